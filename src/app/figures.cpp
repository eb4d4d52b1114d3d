#include "app/figures.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "app/installation.hpp"

namespace causalfm::app {

FigureProgram figure_program(const std::string& script) {
  return {CAUSALFM_PYTHON, companion_file("scripts/figures/" + script)};
}

void draw_figures(const FigureProgram& program, const std::filesystem::path& folder, spdlog::logger& log) {
  for (const std::filesystem::path& needed : {program.python, program.script}) {
    std::error_code ignored;
    if (std::filesystem::exists(needed, ignored)) continue;
    log.warn(
        "no pictures: {} is missing; run launch/setup.sh, or give --python, an interpreter with matplotlib, h5py and "
        "umap-learn",
        needed.string());
    return;
  }
  std::string python = program.python.string();
  std::string no_bytecode = "-B";
  std::string script = program.script.string();
  std::string report = folder.string();
  const std::array<char*, 5> arguments{python.data(), no_bytecode.data(), script.data(), report.data(), nullptr};
  pid_t process = 0;
  int status = posix_spawn(&process, python.c_str(), nullptr, nullptr, arguments.data(), environ);
  if (status != 0) {
    log.warn("no pictures: {} cannot be started ({}); give --python another interpreter", python,
             std::strerror(status));
    return;
  }
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    log.warn("pictures are missing or incomplete: {} {} {} failed, see above; run it again by itself", python, script,
             report);
  }
}

}  // namespace causalfm::app
