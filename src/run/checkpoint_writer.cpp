#include "causalfm/run/checkpoint_writer.hpp"

#include "causalfm/run/metrics.hpp"
#include "causalfm/storage/error.hpp"

#include <chrono>
#include <exception>

namespace causalfm::run {

CheckpointWriter::CheckpointWriter(RunFolder folder, Retention retention)
    : folder_(std::move(folder)), retention_(retention), thread_([this] { serve(); }) {}

CheckpointWriter::~CheckpointWriter() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void CheckpointWriter::save(Checkpoint checkpoint, bool best) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !busy_; });
  next_.emplace(std::move(checkpoint), best);
  busy_ = true;
  changed_.notify_all();
}

void CheckpointWriter::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !busy_; });
}

std::vector<Save> CheckpointWriter::take_reports() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reports_, {});
}

void CheckpointWriter::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return next_ || ending_; });
    if (!next_) return;
    {
      const auto [checkpoint, best] = *std::exchange(next_, std::nullopt);
      lock.unlock();
      Save report = write(checkpoint, best);
      lock.lock();
      reports_.push_back(std::move(report));
    }
    busy_ = false;
    changed_.notify_all();
  }
}

Save CheckpointWriter::write(const Checkpoint& checkpoint, bool best) {
  const auto start = std::chrono::steady_clock::now();
  Save report{.step = checkpoint.step};
  try {
    sync_metrics(folder_.file_system(), folder_.metrics_file());
    report.bytes = folder_.save_checkpoint(checkpoint);
    report.saved = true;
    if (best) folder_.mark_best(checkpoint.step);
    folder_.prune(checkpoint.step, retention_);
  } catch (const std::exception& error) {  // memory may run out as well; training has its own
    report.complaint = error.what();
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace causalfm::run
