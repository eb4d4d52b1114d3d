#pragma once

#include "causalfm/model/model.hpp"
#include "causalfm/run/checkpoint.hpp"
#include "causalfm/training/adam.hpp"
#include "training/recovery.hpp"

#include <cstdint>
#include <limits>

namespace causalfm::training {

/// What of a run changes from step to step, beside its tensors.
struct Progress {
  int64_t step = 0;  ///< steps done
  double best_value = std::numeric_limits<double>::infinity();
  int64_t best_step = 0;
  int64_t validations_without_improvement = 0;
  double seconds = 0.0;  ///< spent training, over all resumes
  Recovery recovery;
};

/// Copies step, best values, tensors (into the host's memory) and the model's constants into a checkpoint; the caller
/// adds who wrote it.
void store(const Progress& progress, model::CausalModel& model, Adam& optimizer, run::Checkpoint& checkpoint);

/// The reverse of store(). @throws storage::StorageError when a tensor is missing; model::ModelError for another shape.
Progress restore(const run::Checkpoint& checkpoint, model::CausalModel& model, Adam& optimizer);

/// Of the tensors of a checkpoint of this model.
int64_t checkpoint_bytes(const model::CausalModel& model);

/// The weights alone.
void restore_weights(const run::Checkpoint& checkpoint, model::CausalModel& model);

/// The constants that the weights were trained with. @throws storage::StorageError when they are missing.
model::SequenceScale scale_of(const run::Checkpoint& checkpoint);

}  // namespace causalfm::training
