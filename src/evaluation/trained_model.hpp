#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/evaluation/host.hpp"
#include "causalfm/model/model.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace causalfm::evaluation {

/// A run's networks, ready to encode, and where they come from.
struct TrainedModel {
  std::string name;  ///< last component of the run's folder
  std::filesystem::path folder;
  std::filesystem::path file;     ///< of the checkpoint
  std::string checkpoint_sha256;  ///< of the checkpoint's file, hex
  int64_t step = 0;               ///< updates done
  std::string data_identity;      ///< of the data that it was trained on
  std::string configuration;      ///< resolved, YAML
  config::Config settings;        ///< the same, typed
  model::CausalModel model;
};

/// Loads a checkpoint of the run in `folder`: best (latest where no validation has marked one), latest, or a file.
/// Every rank reads it. Local.
/// @throws EvaluationError when the run has no checkpoint or the file is of another model; run::RunError when there is
///         no run; storage::StorageError when it is damaged.
TrainedModel load_trained_model(const std::filesystem::path& folder, const std::string& checkpoint, const Host& host);

/// The network of the same shape before its first training step: random weights drawn from the run's seed.
model::CausalModel untrained_model(const TrainedModel& trained, const Host& host);

/// What the model computes in.
at::ScalarType dtype_of(const model::CausalModel& model);

}  // namespace causalfm::evaluation
