#include "causalfm/training/train.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/run/metrics.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/training/parameter_agreement.hpp"
#include "training/assembly.hpp"
#include "training/checkpointing.hpp"
#include "training/progress_line.hpp"
#include "training/resumption.hpp"
#include "training/run_log.hpp"
#include "training/step.hpp"
#include "training/validation.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>

namespace causalfm::training {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A run from its first step here to its end. Only rank 0 writes.
class TrainingRun {
 public:
  TrainingRun(const TrainRequest& request, const Host& host);
  run::Ending run();

 private:
  bool writes() const { return host_.communicator.rank() == 0; }
  Progress progress_now() const;
  bool stop_requested();
  void require_agreement();
  void train_step();
  bool validate();
  void save();
  std::optional<run::Ending> after_step();
  void conclude(run::Ending ending, const std::string& reason);

  const TrainRequest& request_;
  const config::Config& settings_;
  const Host& host_;
  Assembly assembly_;
  Progress progress_;
  std::optional<run::RunFolder> folder_;
  std::optional<RunLog> log_;
  std::optional<run::MetricsWriter> metrics_;
  std::unique_ptr<Step> step_;
  std::unique_ptr<Validation> validation_;
  std::unique_ptr<data::Loader> loader_;
  std::unique_ptr<ProgressLine> line_;
  int64_t saved_step_ = -1;
  int64_t agreed_step_ = -1;  ///< at which all ranks were last seen to hold the same parameters
  Clock::time_point start_ = Clock::now();
};

TrainingRun::TrainingRun(const TrainRequest& request, const Host& host)
    : request_(request), settings_(request.config), host_(host) {
  host.communicator.announce(comm::Phase::starting, 0);
  const auto checkpoint = find_checkpoint(request, host);
  const auto initial = checkpoint ? std::nullopt : find_initial_weights(request, host);
  std::optional<model::SequenceScale> scale;
  if (checkpoint || initial) scale = scale_of(checkpoint ? *checkpoint : *initial);
  assembly_ = assemble(settings_, host, scale ? &*scale : nullptr);
  validation_ = std::make_unique<Validation>(settings_, assembly_.source, host.communicator, host.device);
  step_ = std::make_unique<Step>(settings_, *assembly_.model, *assembly_.optimizer, host.communicator, host.device);

  std::vector<std::string> differences;
  if (checkpoint) {
    differences = compare_with(*checkpoint, assembly_.source->description().identity, host);
    progress_ = restore(*checkpoint, *assembly_.model, *assembly_.optimizer);
    saved_step_ = progress_.step;
  } else if (initial) {
    restore_weights(*initial, *assembly_.model);
  }
  require_agreement();

  if (writes()) {
    folder_ = run::RunFolder::create(host.file_system, request.folder);
    folder_->write_config(config::to_yaml(settings_));
    metrics_.emplace(host.file_system, folder_->metrics_file());
    metrics_->drop_after_resume(progress_.step);
  }
  host.communicator.barrier();  // the folder is there before another rank logs into it
  log_.emplace(host.log, request.folder / "log.txt", writes());

  if (writes()) {
    host.log.info("model: {} learnable numbers; run folder: {}", assembly_.model->parameters().count(),
                  request.folder.string());
    if (checkpoint) host.log.info("resuming from step {}", progress_.step);
    if (initial) host.log.info("starting from the weights of {}", request.initial_weights->string());
    for (const std::string& difference : differences) {
      host.log.warn("the checkpoint was written under other conditions, numbers repeat to rounding only: {}",
                    difference);
    }
    line_ = std::make_unique<ProgressLine>(host.log, host.terminal, settings_.train.steps);
  }
  data::LoaderOptions options{host.communicator.rank(), host.communicator.world_size(), progress_.step,
                              settings_.train.steps};
  loader_ = std::make_unique<data::Loader>(assembly_.source, assembly_.sampler, options);
}

Progress TrainingRun::progress_now() const {
  Progress progress = progress_;
  progress.seconds += seconds_since(start_);
  return progress;
}

bool TrainingRun::stop_requested() {
  const at::Tensor flag = at::full({1}, int64_t{host_.stop_requested()}, at::kLong);
  host_.communicator.all_reduce(flag, comm::Reduction::maximum).wait();
  return flag.item<int64_t>() != 0;
}

void TrainingRun::require_agreement() {
  if (agreed_step_ == progress_.step) return;
  require_same_parameters(assembly_.model->parameters(), host_.communicator, fmt::format("step {}", progress_.step));
  agreed_step_ = progress_.step;
}

void TrainingRun::train_step() {
  host_.communicator.announce(comm::Phase::step, progress_.step);
  const Clock::time_point begin = Clock::now();
  const comm::Traffic before = host_.communicator.traffic();
  const double waited_before = loader_->waited_seconds();
  const data::LoadedStep loaded = loader_->next();
  const double waited = loader_->waited_seconds() - waited_before;
  const Step::Backward backward = step_->backward(loaded);
  const double rate = step_->update(loaded.step, backward.gradient_norm);
  progress_.step = loaded.step + 1;
  if (!writes()) return;

  const double exposed = host_.communicator.traffic().since(before).exposed_seconds;
  const StepTime time{seconds_since(begin), loaded.batch.global_rows, waited, exposed};
  metrics_->write({{"step", loaded.step},
                   {"anchors_seen", progress_.step * settings_.train.batch_triplets},
                   {"loss", backward.losses.total},
                   {"reconstruction", backward.losses.reconstruction},
                   {"star", backward.losses.star},
                   {"instrument", backward.losses.instrument},
                   {"learning_rate", rate},
                   {"gradient_norm", backward.gradient_norm},
                   {"curves_per_second", static_cast<double>(time.curves) / time.seconds},
                   {"data_wait_seconds", waited},
                   {"exposed_communication_seconds", exposed},
                   {"seconds", progress_now().seconds}});
  line_->show(progress_.step, backward.losses, time);
}

bool TrainingRun::validate() {
  host_.communicator.announce(comm::Phase::validation, progress_.step);
  require_agreement();
  const ValidationResult result = validation_->run(*assembly_.model);
  const bool improved = result.losses.total < progress_.best_value;
  if (improved) {
    progress_.best_value = result.losses.total;
    progress_.best_step = progress_.step;
    progress_.validations_without_improvement = 0;
  } else {
    ++progress_.validations_without_improvement;
  }
  if (!writes()) return improved;
  metrics_->write({{"step", progress_.step},
                   {"validation_loss", result.losses.total},
                   {"validation_reconstruction", result.losses.reconstruction},
                   {"validation_star", result.losses.star},
                   {"validation_instrument", result.losses.instrument},
                   {"validation_star_recall", result.star_recall},
                   {"validation_instrument_recall", result.instrument_recall},
                   {"seconds", progress_now().seconds}});
  line_->clear();
  host_.log.info(
      "step {}: validation loss {:.4f} (reconstruction {:.4f}, star {:.4f}, instrument {:.4f}), recall@1 star "
      "{:.3f}, instrument {:.3f}{}",
      progress_.step, result.losses.total, result.losses.reconstruction, result.losses.star, result.losses.instrument,
      result.star_recall, result.instrument_recall, improved ? ", the best" : "");
  return improved;
}

void TrainingRun::save() {
  if (saved_step_ == progress_.step) return;
  host_.communicator.announce(comm::Phase::checkpoint, progress_.step);
  require_agreement();
  saved_step_ = progress_.step;
  if (!writes()) return;
  run::Checkpoint checkpoint;
  store(progress_now(), *assembly_.model, *assembly_.optimizer, checkpoint);
  checkpoint.configuration = config::to_yaml(settings_);
  checkpoint.data_identity = assembly_.source->description().identity;
  checkpoint.split_seed = settings_.data.split_seed;
  checkpoint.ranks = host_.communicator.world_size();
  checkpoint.threads = host_.threads;
  checkpoint.instruction_set = host_.instruction_set;
  checkpoint.versions = host_.versions;
  metrics_->sync();
  folder_->save_checkpoint(checkpoint, settings_.train.keep_checkpoints);
  if (progress_.best_step == progress_.step) folder_->mark_best(progress_.step);
}

std::optional<run::Ending> TrainingRun::after_step() {
  const config::Train& train = settings_.train;
  const bool last = progress_.step >= train.steps;
  const bool interrupted = !last && stop_requested();
  const bool improved = (last || progress_.step % train.validate_every == 0) && validate();
  const bool exhausted = train.patience > 0 && progress_.validations_without_improvement >= train.patience;
  if (improved || last || interrupted || exhausted || progress_.step % train.checkpoint_every == 0) save();
  if (last) return run::Ending::completed;
  if (interrupted) return run::Ending::interrupted;
  if (exhausted) return run::Ending::early_stopping;
  return {};
}

void TrainingRun::conclude(run::Ending ending, const std::string& reason) {
  if (!writes() || !folder_) return;
  run::Summary summary;
  summary.ended = ending;
  summary.steps = progress_.step;
  summary.best_step = progress_.best_step;
  summary.best_value = progress_.best_value;
  summary.seconds = progress_now().seconds;
  summary.ranks = host_.communicator.world_size();
  summary.versions = host_.versions;
  summary.reason = reason;
  run::write_summary(host_.file_system, folder_->summary_file(), summary);
}

run::Ending TrainingRun::run() {
  try {
    const bool was_exhausted =
        settings_.train.patience > 0 && progress_.validations_without_improvement >= settings_.train.patience;
    std::optional<run::Ending> ending;
    if (progress_.step >= settings_.train.steps) ending = run::Ending::completed;
    if (was_exhausted) ending = run::Ending::early_stopping;
    while (!ending) {
      train_step();
      ending = after_step();
    }
    host_.communicator.announce(comm::Phase::ending, progress_.step);
    require_agreement();
    conclude(*ending, "");
    if (writes()) {
      line_->clear();
      const char* why = *ending == run::Ending::completed ? "all steps done"
                        : *ending == run::Ending::early_stopping
                            ? "stopped early, the validation loss no longer improves"
                            : "interrupted, state saved";
      host_.log.info("{} after {} steps and {}; best validation loss {:.4f} at step {}", why, progress_.step,
                     duration_text(progress_now().seconds), progress_.best_value, progress_.best_step);
    }
    return *ending;
  } catch (const std::exception& error) {
    try {
      conclude(run::Ending::failed, error.what());
    } catch (const storage::StorageError&) {  // the first failure is the one to tell
    }
    throw;
  }
}

}  // namespace

run::Ending train(const TrainRequest& request, const Host& host) { return TrainingRun(request, host).run(); }

}  // namespace causalfm::training
