#include "app/installation.hpp"

#include <system_error>

namespace causalfm::app {

std::filesystem::path this_program() { return std::filesystem::read_symlink("/proc/self/exe"); }

std::filesystem::path companion_file(std::string_view name) {
  const std::filesystem::path installed = this_program().parent_path().parent_path() / "share/causalfm" / name;
  std::error_code ignored;
  return std::filesystem::exists(installed, ignored) ? installed : std::filesystem::path(CAUSALFM_SOURCE_TREE) / name;
}

}  // namespace causalfm::app
