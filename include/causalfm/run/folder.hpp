#pragma once

#include "causalfm/run/checkpoint.hpp"
#include "causalfm/storage/file_system.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace causalfm::run {

/// A checkpoint that was found whole, and what had to be passed over to find it.
struct LoadedCheckpoint {
  Checkpoint checkpoint;
  std::filesystem::path file;
  std::vector<std::string> warnings;  ///< one sentence for each file that was damaged
};

/// Which checkpoints stay when another has been saved.
struct Retention {
  int64_t newest = 3;  ///< so many of the latest
  int64_t every = 0;   ///< and for good those of steps that this divides; 0: none
};

/// The folder of one run: which file is where, and which checkpoint counts. Writes come from one rank; other ranks
/// only read. A checkpoint that has been saved survives a power failure. Keeps no state in memory but the path;
/// `file_system` must outlive it.
/// @throws storage::StorageError where a file cannot be written or read.
class RunFolder {
 public:
  static constexpr const char* lock_name = "lock.json";

  /// Creates the folder and its checkpoints/ where they are not there yet.
  static RunFolder create(storage::FileSystem& file_system, const std::filesystem::path& folder);

  /// @throws RunError if there is no run (no config.yaml) in `folder`.
  static RunFolder open(storage::FileSystem& file_system, const std::filesystem::path& folder);

  storage::FileSystem& file_system() const { return *file_system_; }
  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path config_file() const { return folder_ / "config.yaml"; }
  std::filesystem::path metrics_file() const { return folder_ / "metrics.jsonl"; }
  std::filesystem::path summary_file() const { return folder_ / "summary.json"; }
  std::filesystem::path log_file() const { return folder_ / "log.txt"; }
  std::filesystem::path lock_file() const { return folder_ / lock_name; }
  std::filesystem::path checkpoints() const { return folder_ / "checkpoints"; }
  std::filesystem::path checkpoint_file(int64_t step) const;  ///< checkpoints/step-00000500.h5

  /// non-finite/step-00000500.h5 of the run in `folder`
  static std::filesystem::path non_finite_file(const std::filesystem::path& folder, int64_t step);

  /// Replaces config.yaml.
  void write_config(const std::string& yaml);

  /// None before the first write_config.
  std::optional<std::string> read_config() const;

  /// Writes the checkpoint whole, then makes it `latest`. Whatever fails, `latest` names a whole checkpoint, the former
  /// or this one. Returns the size of the file in bytes.
  int64_t save_checkpoint(const Checkpoint& checkpoint);

  /// Removes what is no longer kept after a save of `newest_step`: all but what `retention` says, `latest` and `best`;
  /// whatever is of a later step than that (a run that fell back to an older checkpoint has left it); and what a save
  /// that died has left.
  void prune(int64_t newest_step, const Retention& retention);

  /// Makes the saved checkpoint of `step` the `best`.
  void mark_best(int64_t step);

  /// Does what a save that died after its checkpoint was whole has left undone: makes the checkpoint of `best_step`, if
  /// there is one, the `best`, and removes unfinished files.
  void complete_save(int64_t best_step);

  /// Writes what is kept of a step that was not finite, and removes all such files but this one and the newest others,
  /// `keep` together.
  void save_non_finite(int64_t step, std::span<const std::byte> content, int64_t keep);

  /// What the text files `latest` and `best` name; none if there is no such text, or the file it names is gone.
  std::optional<std::filesystem::path> latest_checkpoint() const;
  std::optional<std::filesystem::path> best_checkpoint() const;

  /// Steps of all checkpoint files, ascending.
  std::vector<int64_t> checkpoint_steps() const;

  /// The latest checkpoint or, where it is damaged, the newest other that is whole, with warnings.
  /// None if the folder holds no checkpoint. @throws storage::StorageError if all are damaged.
  std::optional<LoadedCheckpoint> load_latest() const;

 private:
  RunFolder(storage::FileSystem& file_system, std::filesystem::path folder);
  std::optional<std::filesystem::path> named_by(const char* pointer) const;
  void remove_unfinished();

  storage::FileSystem* file_system_;
  std::filesystem::path folder_;
};

}  // namespace causalfm::run
