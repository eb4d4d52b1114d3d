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

/// "completed", "early_stopping", …: as in summary.json.
std::string to_string(Ending ending);

/// summary.json: {"ended": "completed", "steps": …, "best_step": …, "best_value": …, "seconds": …, "ranks": …,
/// "threads": …, "instruction_set": "…", "versions": {…}, "reason": "…"}.
struct Summary {
  Ending ended = Ending::completed;
  int64_t steps = 0;
  int64_t best_step = 0;
  double best_value = std::numeric_limits<double>::infinity();
  double seconds = 0.0;  ///< spent training, over all resumes that the caller counts
  int64_t ranks = 1;
  int64_t threads = 0;          ///< of a rank; absent in the file when 0, unknown
  std::string instruction_set;  ///< absent in the file when empty, unknown
  std::map<std::string, std::string> versions;
  std::string reason;  ///< the sentence of a failure; absent in the file when empty
};

/// Replaces the file atomically. @throws storage::StorageError.
void write_summary(storage::FileSystem& file_system, const std::filesystem::path& file, const Summary& summary);

/// @throws storage::StorageError if the file is missing, damaged or lacks a field that is never absent.
Summary read_summary(storage::FileSystem& file_system, const std::filesystem::path& file);

}  // namespace causalfm::run
