#include "training/run_writer.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/storage/error.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace causalfm::training {

RunWriter::RunWriter(const TrainRequest& request, const Host& host, const Progress& progress,
                     const std::optional<run::DeadLock>& dead_lock, const std::vector<std::string>& host_of_rank)
    : host_(host),
      folder_(run::RunFolder::create(host.file_system, request.folder)),
      lock_(host.file_system, folder_.lock_file(), dead_lock, host_of_rank),
      metrics_(host.file_system, folder_.metrics_file()),
      checkpoints_(folder_, {request.config.train.keep_checkpoints, request.config.train.keep_every}) {
  if (dead_lock) host.log.warn(dead_lock->sentence);
  folder_.write_config(config::to_yaml(request.config));
  metrics_.drop_after_resume(progress.step);
  if (progress.step > 0) folder_.complete_save(progress.best_step);
}

void RunWriter::write_metrics(const nlohmann::ordered_json& line) { tell_of_metrics(metrics_.write(line)); }

void RunWriter::tell_of_metrics(const std::string& complaint) {
  const bool refused = !complaint.empty();
  if (refused && !metrics_refused_) {
    host_.log.warn("{}; training goes on, and the lines are written once there is room", complaint);
  }
  if (!refused && metrics_refused_) host_.log.info("the metrics that were kept back are written");
  metrics_refused_ = refused;
}

void RunWriter::save(run::Checkpoint checkpoint, bool best) {
  tell_of_metrics(metrics_.flush());
  checkpoints_.save(std::move(checkpoint), best);
  tell_of_saves();
}

void RunWriter::tell_of_saves() {
  for (run::Save& save : checkpoints_.take_reports()) {
    if (!save.saved) {
      host_.log.warn(
          "the checkpoint of step {} is not saved: {}; training goes on, and checkpoints before it are whole",
          save.step, save.complaint);
    } else if (!save.complaint.empty()) {
      host_.log.warn("the checkpoint of step {} is saved, but {}", save.step, save.complaint);
    } else {
      host_.log.debug("checkpoint of step {}: {:.1f} MB in {:.2f} s", save.step, static_cast<double>(save.bytes) * 1e-6,
                      save.seconds);
    }
    last_save_ = std::move(save);
  }
}

void RunWriter::wait() {
  checkpoints_.wait();
  tell_of_saves();
}

void RunWriter::drop_after(int64_t steps_done) { metrics_.drop_after_resume(steps_done); }

void RunWriter::finish() {
  tell_of_metrics(metrics_.flush());
  checkpoints_.wait();
  for (run::Save& save : checkpoints_.take_reports()) last_save_ = std::move(save);
  if (last_save_ && !last_save_->saved) {
    throw storage::StorageError(
        fmt::format("{} (the state after {} steps is lost; go on from the checkpoint before it)", last_save_->complaint,
                    last_save_->step));
  }
}

void RunWriter::conclude(const run::Summary& summary) {
  try {
    run::write_summary(host_.file_system, folder_.summary_file(), summary);
  } catch (const storage::StorageError& error) {
    host_.log.warn(error.what());
  }
}

}  // namespace causalfm::training
