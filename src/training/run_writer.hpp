#pragma once

#include "causalfm/run/checkpoint_writer.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/run/lock.hpp"
#include "causalfm/run/metrics.hpp"
#include "causalfm/run/summary.hpp"
#include "causalfm/training/train.hpp"
#include "training/checkpointing.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::training {

/// What a run writes into its folder, but for the log; rank 0 alone has one. Where the disk refuses, the log is told
/// and training goes on: metrics are kept for later, and the next checkpoint is tried when it is due.
class RunWriter {
 public:
  /// Makes the folder this run's: creates and locks it, writes config.yaml, and drops from its metrics what comes after
  /// the steps that are done. `host` outlives it. @throws run::RunError when another process trains there;
  /// storage::StorageError.
  RunWriter(const TrainRequest& request, const Host& host, const Progress& progress,
            const std::optional<run::DeadLock>& dead_lock, const std::vector<std::string>& host_of_rank);

  void write_metrics(const nlohmann::ordered_json& line);

  /// Hands a checkpoint to the thread that writes it, whose tensors nobody changes from now on; waits only for the one
  /// before it.
  void save(run::Checkpoint checkpoint, bool best);

  /// Logs what has become of checkpoints since the last call.
  void tell_of_saves();

  /// For a rollback: waits until the folder holds what was saved.
  void wait();

  /// Drops metrics of steps that are done again.
  void drop_after(int64_t steps_done);

  /// Waits for the last checkpoint. @throws storage::StorageError when it is not saved.
  void finish();

  /// Writes summary.json; where the disk refuses, the log is told.
  void conclude(const run::Summary& summary);

  /// That writing the last checkpoint took; 0 before the first.
  double last_write_seconds() const { return last_save_ ? last_save_->seconds : 0.0; }

 private:
  void tell_of_metrics(const std::string& complaint);

  const Host& host_;
  run::RunFolder folder_;
  run::Lock lock_;
  run::MetricsWriter metrics_;
  run::CheckpointWriter checkpoints_;
  std::optional<run::Save> last_save_;
  bool metrics_refused_ = false;
};

}  // namespace causalfm::training
