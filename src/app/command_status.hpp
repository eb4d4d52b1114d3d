#pragma once

#include <filesystem>
#include <iosfwd>

namespace causalfm::app {

/// `causalfm status RUN [--json]`: what a run does, from the files of its folder. 0 whatever it does.
/// @throws run::RunError if there is no run.
int status_command(const std::filesystem::path& folder, bool json, std::ostream& output);

}  // namespace causalfm::app
