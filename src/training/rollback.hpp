#pragma once

#include "causalfm/training/train.hpp"
#include "training/assembly.hpp"
#include "training/checkpointing.hpp"

#include <cstdint>

namespace causalfm::training {

/// Takes model, optimizer and progress back to the run's latest checkpoint, or to the weights that it began with while
/// there is none, and lowers the learning rate from there on by train.rollback_rate_factor, on top of what rollbacks
/// before have done. The time spent stays spent. Collective.
/// @return false, with nothing changed, when the step to go on from is `failed_step` itself: no update lies between, so
///         that going back would only repeat it. @throws as find_checkpoint()
bool roll_back(const TrainRequest& request, const Host& host, int64_t failed_step, Assembly& assembly,
               Progress& progress);

}  // namespace causalfm::training
