#pragma once

#include "causalfm/run/folder.hpp"
#include "causalfm/storage/file_system.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::run {

/// What the lines of a metrics.jsonl come to, in 16 bytes a step.
struct History {
  int64_t steps_done = 0;
  std::vector<double> curves_per_second;                ///< of each training line
  std::vector<double> seconds;                          ///< spent training up to each training line, over all resumes
  std::optional<nlohmann::ordered_json> last_training;  ///< the line as it stands
  std::vector<nlohmann::ordered_json> validations;      ///< the lines as they stand

  /// The validation line of the lowest loss up to a step, the first of equals; none where no loss is a number.
  const nlohmann::ordered_json* best(int64_t last_step = std::numeric_limits<int64_t>::max()) const;
};

/// The field of a line as a number; NaN where the line has no such field. @throws storage::StorageError for a field
/// that is no number.
double number_of(const nlohmann::ordered_json& line, const std::string& field);

/// The history of a run, also of one that goes on; empty before its first line. Local, reads only.
/// @throws storage::StorageError if metrics.jsonl cannot be read.
History read_history(storage::FileSystem& file_system, const RunFolder& run);

}  // namespace causalfm::run
