#pragma once

#include "causalfm/storage/file_system.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::run {

/// Appends to metrics.jsonl: an object a line, each line one write, so that a reader sees whole lines but for the
/// last. A training line's `step` counts from 0; the `step` of a validation line (one with a `validation_loss`) is the
/// number of steps done. Numbers round-trip; those that are not finite are the strings "nan", "inf", "-inf". One writer
/// a file; `file_system` must outlive it.
class MetricsWriter {
 public:
  MetricsWriter(storage::FileSystem& file_system, std::filesystem::path file);

  /// `line` is an object with an integer `step`. A line that the disk refuses is kept and written with the next.
  /// Returns what the disk says against it; empty when every line so far is in the file.
  std::string write(const nlohmann::ordered_json& line);

  /// Tries again to write what was refused, and returns the same.
  std::string flush();

  /// For a resume after `steps_done` steps, of which 0 is the first: drops training lines of steps that are to be done
  /// again, validation lines that were written later, and lines that a crash has torn, all in one atomic step.
  /// Nothing happens without a file. @throws storage::StorageError.
  void drop_after_resume(int64_t steps_done);

 private:
  void find_whole();

  storage::FileSystem* file_system_;
  std::filesystem::path file_;
  std::string refused_;            ///< lines that are not in the file
  int64_t refusals_ = 0;           ///< of them, in a row
  std::optional<uint64_t> whole_;  ///< bytes of the file before them; none: not known yet
};

/// Returns when the lines in the file are on the disk: what a resume keeps, for before a checkpoint is saved. Nothing
/// happens without a file. From any thread. @throws storage::StorageError.
void sync_metrics(storage::FileSystem& file_system, const std::filesystem::path& file);

/// Calls `take` with each line of a metrics.jsonl in order, also of a run that goes on. A line that does not parse is
/// passed over, with a sentence in `warnings` unless it is the unfinished last. Holds one line at a time beside the
/// file's text. @throws storage::StorageError if the file cannot be read.
void visit_metrics(storage::FileSystem& file_system, const std::filesystem::path& file,
                   const std::function<void(nlohmann::ordered_json line)>& take,
                   std::vector<std::string>* warnings = nullptr);

/// All lines that visit_metrics finds.
std::vector<nlohmann::ordered_json> read_metrics(storage::FileSystem& file_system, const std::filesystem::path& file,
                                                 std::vector<std::string>* warnings = nullptr);

/// A number as it stands in our JSON: itself, or "nan", "inf", "-inf".
/// @throws storage::StorageError for anything else.
double to_number(const nlohmann::ordered_json& value);

}  // namespace causalfm::run
