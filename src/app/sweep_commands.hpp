#pragma once

#include "app/parser.hpp"

namespace causalfm::app {

/// `causalfm sweep run|status|list|trial`.
void add_sweep_commands(Parser& parser);

}  // namespace causalfm::app
