#pragma once

#include "causalfm/run/checkpoint.hpp"
#include "causalfm/run/folder.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace causalfm::run {

/// What became of a checkpoint.
struct Save {
  int64_t step = 0;
  int64_t bytes = 0;      ///< of the file
  double seconds = 0.0;   ///< that writing it took
  bool saved = false;     ///< a resume finds it
  std::string complaint;  ///< why it is not saved, or what else failed (an old one that could not be removed)
};

/// Writes a run's checkpoints on a thread of its own while training goes on, one after the other: first what the
/// metrics file holds so far, then the checkpoint, then the pointers, then what is no longer kept is removed. Failures
/// are reported, not thrown.
class CheckpointWriter {
 public:
  CheckpointWriter(RunFolder folder, Retention retention);

  /// Returns when what was handed in has been written or has failed.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Hands in a checkpoint, whose tensors nobody changes from now on. Waits only for the one before it.
  /// @param best whether it becomes the run's best.
  void save(Checkpoint checkpoint, bool best);

  /// Waits until everything that was handed in has been written or has failed.
  void wait();

  /// What has happened since the last call, in order. Does not wait.
  std::vector<Save> take_reports();

 private:
  void serve();
  Save write(const Checkpoint& checkpoint, bool best);

  RunFolder folder_;
  Retention retention_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::pair<Checkpoint, bool>> next_;
  std::vector<Save> reports_;
  bool busy_ = false;  ///< a checkpoint waits or is being written
  bool ending_ = false;
  std::thread thread_;  ///< last: it uses all the others
};

}  // namespace causalfm::run
