#pragma once

#include <cstdint>

namespace causalfm::training {

/// What steps that were not finite have changed for those that follow. Checkpoints keep it.
struct Recovery {
  int64_t skipped_steps = 0;  ///< of the run so far; updates done are the steps done less these
  int64_t skipped_in_a_row = 0;
  double rate_factor = 1.0;  ///< on the learning rate, after rollbacks
};

}  // namespace causalfm::training
