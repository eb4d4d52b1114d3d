#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/training/train.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace causalfm::training {

/// What a repeated step computes.
struct Replay {
  struct Output {
    std::string name;      ///< of the sublayer, as model::Observer has it
    double minimum = 0.0;  ///< of what is finite; nan if nothing is
    double maximum = 0.0;
    int64_t values = 0;
    int64_t non_finite = 0;
  };
  struct Gradient {
    std::string group;  ///< of parameters: "encoder_star/block0/attention"
    double norm = 0.0;
    int64_t non_finite = 0;
  };

  int64_t step = 0;
  int64_t rows = 0;
  std::vector<Output> outputs;                         ///< in the order of computation
  std::vector<std::pair<std::string, double>> losses;  ///< total, reconstruction, star, instrument
  std::vector<Gradient> gradients;                     ///< in the order of parameters
  double gradient_norm = 0.0;
  std::optional<std::string> found;  ///< what is not finite, and where it was seen first; none if all is finite
};

/// The configuration that the batch kept in `file` was computed with, as YAML. Local.
/// @throws storage::StorageError when it cannot be read or is no kept batch.
std::string configuration_of_batch(storage::FileSystem& file_system, const std::filesystem::path& file);

/// Repeats forward, loss and backward of the step whose batch `file` keeps, with the parameters of then and the same
/// dropout; `settings` may differ from those of then in all but what shapes the networks. Needs no data set. For one
/// rank. @throws TrainingError for several ranks or another model; storage::StorageError for the file.
Replay replay(const std::filesystem::path& file, const config::Config& settings, const Host& host);

}  // namespace causalfm::training
