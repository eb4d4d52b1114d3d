#pragma once

#include "app/parser.hpp"

namespace causalfm::app {

/// Adds the commands that look at what runs have left: status, compare, checkpoint.
void add_run_commands(Parser& parser);

}  // namespace causalfm::app
