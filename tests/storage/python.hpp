#pragma once

#include "storage/temporary_folder.hpp"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>

namespace causalfm::storage {

/// What the build's Python prints when it runs `script`. @throws std::runtime_error with that text if it fails.
inline std::string run_python(const std::string& script) {
  const TemporaryFolder folder;
  std::ofstream(folder / "script.py") << script;
  const std::string command = std::string(CAUSALFM_PYTHON) + " " + (folder / "script.py").string() + " 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string output;
  std::array<char, 4096> piece{};
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe)) {
    output.append(piece.data(), size);
  }
  const int status = ::pclose(pipe);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error("Python failed: " + output);
  }
  return output;
}

}  // namespace causalfm::storage
