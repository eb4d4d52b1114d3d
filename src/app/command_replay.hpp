#pragma once

#include "app/job.hpp"

#include <ostream>
#include <string>
#include <vector>

namespace causalfm::app {

/// `causalfm train --replay FILE`: repeats a kept step and prints what each part of it computes.
/// @param config_file empty: the configuration that the file holds
/// @throws training::NumericsError when the step is not finite again.
int replay_command(Job& job, const std::string& file, const std::string& config_file,
                   const std::vector<std::string>& overrides, std::ostream& output);

}  // namespace causalfm::app
