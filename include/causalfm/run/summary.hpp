#pragma once

#include "causalfm/storage/file_system.hpp"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>

namespace causalfm::run {

/// Why a run ended.
enum class Ending { completed, early_stopping, interrupted, failed };

/// summary.json: {"ended": "completed", "steps": …, "best_step": …, "best_value": …, "seconds": …, "ranks": …,
/// "versions": {…}, "reason": "…"}.
struct Summary {
  Ending ended = Ending::completed;
  int64_t steps = 0;
  int64_t best_step = 0;
  double best_value = std::numeric_limits<double>::infinity();
  double seconds = 0.0;  ///< spent training, over all resumes that the caller counts
  int64_t ranks = 1;
  std::map<std::string, std::string> versions;
  std::string reason;  ///< the sentence of a failure; absent in the file when empty
};

/// Replaces the file atomically. @throws storage::StorageError.
void write_summary(storage::FileSystem& file_system, const std::filesystem::path& file, const Summary& summary);

/// @throws storage::StorageError if the file is missing, damaged or lacks a field.
Summary read_summary(storage::FileSystem& file_system, const std::filesystem::path& file);

}  // namespace causalfm::run
