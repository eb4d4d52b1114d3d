#pragma once

#include <filesystem>
#include <iosfwd>
#include <vector>

namespace causalfm::app {

/// `causalfm compare RUN RUN... [--json]`: a line a run, the best first, and the keys in which their configurations
/// differ. @throws run::RunError if a folder holds no run.
int compare_command(const std::vector<std::filesystem::path>& folders, bool json, std::ostream& output);

}  // namespace causalfm::app
