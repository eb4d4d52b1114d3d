#pragma once

#include "causalfm/storage/file_system.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::run {

struct ComparedRun {
  std::filesystem::path folder;
  int64_t steps = 0;                               ///< done
  std::optional<nlohmann::ordered_json> best;      ///< the validation line of the lowest loss
  std::optional<double> median_curves_per_second;  ///< of all training lines
  double hours = 0.0;                              ///< spent training
  int64_t ranks = 0;                               ///< 0: unknown
};

/// A key of the configuration with its value, as YAML, in each run.
struct DifferingKey {
  std::string key;
  std::vector<std::string> values;
};

struct Comparison {
  std::vector<ComparedRun> runs;          ///< the lowest validation loss first, those without a validation last
  std::vector<DifferingKey> differences;  ///< by name; values in the order of `runs`
};

/// What runs came to, and in what they were asked for something else. Local, reads only; a run may still go on.
/// @throws RunError if a folder holds no run; config::ConfigError or storage::StorageError for a file that cannot be
///         read.
Comparison compare(storage::FileSystem& file_system, const std::vector<std::filesystem::path>& folders);

}  // namespace causalfm::run
