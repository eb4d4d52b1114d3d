#pragma once

#include "causalfm/run/checkpoint.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/training/train.hpp"

#include <optional>

namespace causalfm::training {

/// The checkpoint that a run goes on from, if it does: rank 0 looks into the folder and decides, every rank reads.
/// Writes nothing, but with Resume::never it renames a folder that holds a run to FOLDER.1, FOLDER.2, ….
/// Collective. @throws run::RunError when the folder holds another run; TrainingError when Resume::always finds none;
///         storage::StorageError when all checkpoints are damaged.
std::optional<run::Checkpoint> find_checkpoint(const TrainRequest& request, const Host& host);

/// The weights named by --init-from, if it is given. Local. @throws TrainingError when they are of another model.
std::optional<run::Checkpoint> find_initial_weights(const TrainRequest& request, const Host& host);

/// Sentences about what differs between the writer of a checkpoint and this run, so that numbers may differ by
/// rounding. @throws TrainingError when the checkpoint was trained on other data.
std::vector<std::string> compare_with(const run::Checkpoint& checkpoint, const std::string& data_identity,
                                      const Host& host);

}  // namespace causalfm::training
