#pragma once

#include "causalfm/training/train.hpp"
#include "training/assembly.hpp"
#include "training/non_finite.hpp"
#include "training/step.hpp"

namespace causalfm::training {

/// Finds out where a step went wrong whose `backward` is not finite, and keeps its batch, with the parameters as they
/// still are, in the run's folder. Where that cannot be written, rank 0 warns. Collective; equal on every rank.
/// @throws CommunicationError
NonFiniteStep investigate(const TrainRequest& request, const Host& host, const Assembly& assembly,
                          const Step::Backward& backward, const data::LoadedStep& loaded);

}  // namespace causalfm::training
