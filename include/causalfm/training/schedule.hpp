#pragma once

#include "causalfm/config/config.hpp"

#include <cstdint>

namespace causalfm::training {

/// Learning rate of update `step` (0 is the first): linear warm-up over train.warmup_steps, then constant, or half a
/// cosine from the full rate down to 0 at train.steps.
double learning_rate_at(int64_t step, const config::Train& settings);

}  // namespace causalfm::training
