#pragma once

#include <filesystem>
#include <string_view>

namespace causalfm::app {

/// The file that this process runs.
std::filesystem::path this_program();

/// A file that goes with the program, named as in the source tree ("scripts/figures/report.py"): under
/// share/causalfm beside the folder of an installed program, else in the source tree that it was built from. It may
/// be missing in both.
std::filesystem::path companion_file(std::string_view name);

}  // namespace causalfm::app
