#include "causalfm/training/train.hpp"

#include "causalfm/comm/rank_places.hpp"
#include "causalfm/config/load.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/run/lock.hpp"
#include "causalfm/run/process.hpp"
#include "causalfm/training/error.hpp"
#include "causalfm/training/parameter_agreement.hpp"
#include "training/assembly.hpp"
#include "training/checkpointing.hpp"
#include "training/collapse_watch.hpp"
#include "training/investigation.hpp"
#include "training/non_finite.hpp"
#include "training/profiled_steps.hpp"
#include "training/progress_line.hpp"
#include "training/resumption.hpp"
#include "training/rollback.hpp"
#include "training/run_log.hpp"
#include "training/run_writer.hpp"
#include "training/shared_folder.hpp"
#include "training/step.hpp"
#include "training/validation.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <utility>

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
  bool is_paused() const { return request_.pause_at && progress_.step >= *request_.pause_at; }
  bool stop_requested();
  void require_agreement();
  void tell_ranks(const std::vector<comm::RankPlace>& places);
  bool train_step();
  bool goes_on_after(const data::LoadedStep& loaded, const Step::Backward& backward);
  void go_back(const NonFiniteStep& failed);
  void start_loader();
  data::LoadedStep next_batch(Profile* profile);
  bool validate();
  void save();
  std::optional<run::Ending> after_step();
  void conclude(run::Ending ending, const std::string& reason);

  const TrainRequest& request_;
  const config::Config& settings_;
  const Host& host_;
  Assembly assembly_;
  Progress progress_;
  std::unique_ptr<RunWriter> writer_;
  std::optional<RunLog> log_;
  std::unique_ptr<Step> step_;
  NonFinite non_finite_;
  std::unique_ptr<Validation> validation_;
  std::unique_ptr<data::Loader> loader_;
  std::unique_ptr<ProgressLine> line_;
  ProfiledSteps profiled_;
  CollapseWatch collapse_watch_;
  int64_t saved_step_ = -1;
  std::string interruption_;              ///< why the run is to save and end; empty: it is not
  double checkpoint_wait_seconds_ = 0.0;  ///< since the last line of metrics
  int64_t agreed_step_ = -1;              ///< at which all ranks were last seen to hold the same parameters
  Clock::time_point start_ = Clock::now();
};

TrainingRun::TrainingRun(const TrainRequest& request, const Host& host)
    : request_(request),
      settings_(request.config),
      host_(host),
      non_finite_(request.config.train),
      profiled_(request.config.train.profile_steps, host, request.folder),
      collapse_watch_(request.config.train.collapse_warning, host.log) {
  host.communicator.announce(comm::Phase::starting, 0);
  std::optional<run::DeadLock> dead_lock;
  if (writes()) dead_lock = run::find_dead_lock(host.file_system, request.folder / run::RunFolder::lock_name);
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

  const std::vector<comm::RankPlace> places =
      comm::gather_places(host.communicator, {run::this_host(), host.device.str(), host.numa_nodes, host.threads});
  std::vector<std::string> host_of_rank;
  for (const comm::RankPlace& place : places) host_of_rank.push_back(place.host);
  if (writes()) writer_ = std::make_unique<RunWriter>(request, host, progress_, dead_lock, host_of_rank);
  host.communicator.barrier();  // the folder is there before another rank logs into it
  log_.emplace(host.log, request.folder / "log.txt", writes());
  tell_ranks(places);

  if (writes()) {
    host.log.info("model: {} learnable numbers, kernels {}; run folder: {}", assembly_.model->parameters().count(),
                  assembly_.model->kernels(), request.folder.string());
    if (checkpoint) host.log.info("resuming from step {}", progress_.step);
    if (initial) host.log.info("starting from the weights of {}", request.initial_weights->string());
    for (const std::string& difference : differences) {
      host.log.warn("the checkpoint was written under other conditions, numbers repeat to rounding only: {}",
                    difference);
    }
    line_ = std::make_unique<ProgressLine>(host.log, host.terminal, settings_.train.steps);
  }
  start_loader();
}

/// Where they compute, and whether one of them does not see the run's folder. Collective.
void TrainingRun::tell_ranks(const std::vector<comm::RankPlace>& places) {
  const auto blind = first_rank_without(request_.folder / "config.yaml", host_.file_system, host_.communicator);
  if (!writes()) return;
  for (const std::string& line : comm::describe_places(places)) host_.log.info(line);
  if (!blind) return;
  host_.log.warn("rank {} on {} does not see {}: only ranks that share it can resume; choose another --run folder",
                 *blind, places[static_cast<size_t>(*blind)].host, request_.folder.string());
}

void TrainingRun::start_loader() {
  data::LoaderOptions options{host_.communicator.rank(), host_.communicator.world_size(), progress_.step,
                              settings_.train.steps};
  loader_ = std::make_unique<data::Loader>(assembly_.source, assembly_.sampler, options);
}

Progress TrainingRun::progress_now() const {
  Progress progress = progress_;
  progress.seconds += seconds_since(start_);
  return progress;
}

bool TrainingRun::stop_requested() {
  const double limit = 60.0 * settings_.train.time_limit_minutes;
  const bool too_late = limit > 0.0 && seconds_since(start_) >= limit;
  const at::Tensor flags = at::tensor({int64_t{host_.stop_requested()}, int64_t{too_late}}, at::kLong);
  host_.communicator.all_reduce(flags, comm::Reduction::maximum).wait();
  const int64_t* asked = flags.const_data_ptr<int64_t>();
  if (asked[1] != 0) interruption_ = "train.time_limit_minutes is over";
  if (asked[0] != 0) interruption_ = "a signal asked for it";
  if (is_paused()) interruption_ = fmt::format("asked to pause at step {}", *request_.pause_at);
  return !interruption_.empty();
}

void TrainingRun::require_agreement() {
  if (agreed_step_ == progress_.step) return;
  require_same_parameters(assembly_.model->parameters(), host_.communicator, fmt::format("step {}", progress_.step));
  agreed_step_ = progress_.step;
}

/// Whether a step that is not finite counts as done, if without an update; else the run has gone back.
bool TrainingRun::goes_on_after(const data::LoadedStep& loaded, const Step::Backward& backward) {
  const NonFiniteStep step = investigate(request_, host_, assembly_, backward, loaded);
  if (non_finite_.answer(step, progress_.recovery) == NonFinite::Answer::rollback) {
    go_back(step);
    return false;
  }
  if (writes()) {
    line_->clear();
    host_.log.warn("step {}: {}: the update is skipped", step.number, step.found);
  }
  return true;
}

void TrainingRun::go_back(const NonFiniteStep& failed) {
  loader_.reset();
  if (writer_) writer_->wait();
  if (!roll_back(request_, host_, failed.number, assembly_, progress_)) {
    throw NumericsError(
        stop_sentence(failed, "; it is the very step to go back to, and no learning rate changes what it computes"));
  }
  saved_step_ = progress_.step;
  agreed_step_ = -1;
  require_agreement();
  start_loader();
  if (!writes()) return;
  writer_->drop_after(progress_.step);
  line_->clear();
  host_.log.warn("step {}: {}: back to step {}, from there on with {:.3g} times the learning rate", failed.number,
                 failed.found, progress_.step, progress_.recovery.rate_factor);
}

data::LoadedStep TrainingRun::next_batch(Profile* profile) {
  const Profile::Scope scope(profile, "data wait");
  return loader_->next();
}

/// False when the run went back instead of on.
bool TrainingRun::train_step() {
  host_.communicator.announce(comm::Phase::step, progress_.step);
  Profile* const profile = profiled_.begin_step();
  const Profile::Scope scope(profile, fmt::format("step {}", progress_.step), Span::Kind::step);
  const Clock::time_point begin = Clock::now();
  const comm::Traffic before = host_.communicator.traffic();
  const double waited_before = loader_->waited_seconds();
  const data::LoadedStep loaded = next_batch(profile);
  const double waited = loader_->waited_seconds() - waited_before;
  const Step::Backward backward = step_->backward(loaded, profile);
  const double rate = step_->learning_rate(loaded.step, progress_.recovery);
  const bool skipped = backward.not_finite().has_value();
  if (skipped) {
    if (!goes_on_after(loaded, backward)) return false;
  } else {
    step_->update(loaded.step, backward.gradient_norm, progress_.recovery, profile);
    progress_.recovery.skipped_in_a_row = 0;
  }
  progress_.step = loaded.step + 1;
  if (!writes()) return true;

  const double exposed = host_.communicator.traffic().since(before).exposed_seconds;
  const StepTime time{seconds_since(begin), loaded.batch.global_rows, waited, exposed};
  nlohmann::ordered_json line{{"step", loaded.step},
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
                              {"checkpoint_wait_seconds", std::exchange(checkpoint_wait_seconds_, 0.0)},
                              {"seconds", progress_now().seconds}};
  if (skipped) line["skipped"] = true;
  // Told after checkpoints that are due by the step alone, so that a resume repeats the lines.
  if (loaded.step > 0 && loaded.step % settings_.train.checkpoint_every == 0) {
    line["checkpoint_bytes"] = checkpoint_bytes(*assembly_.model);
    line["checkpoint_write_seconds"] = writer_->last_write_seconds();
  }
  writer_->tell_of_saves();
  writer_->write_metrics(line);
  line_->show(progress_.step, backward.losses, time);
  return true;
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
  writer_->write_metrics({{"step", progress_.step},
                          {"validation_loss", result.losses.total},
                          {"validation_reconstruction", result.losses.reconstruction},
                          {"validation_star", result.losses.star},
                          {"validation_instrument", result.losses.instrument},
                          {"validation_star_recall", result.star_recall},
                          {"validation_instrument_recall", result.instrument_recall},
                          {"validation_star_effective_rank", result.star.effective_rank},
                          {"validation_star_alignment", result.star.alignment},
                          {"validation_star_uniformity", result.star.uniformity},
                          {"validation_instrument_effective_rank", result.instrument.effective_rank},
                          {"validation_instrument_alignment", result.instrument.alignment},
                          {"validation_instrument_uniformity", result.instrument.uniformity},
                          {"seconds", progress_now().seconds}});
  line_->clear();
  host_.log.info(
      "step {}: validation loss {:.4f} (reconstruction {:.4f}, star {:.4f}, instrument {:.4f}), recall@1 star "
      "{:.3f}, instrument {:.3f}{}",
      progress_.step, result.losses.total, result.losses.reconstruction, result.losses.star, result.losses.instrument,
      result.star_recall, result.instrument_recall, improved ? ", the best" : "");
  collapse_watch_.look(result, progress_.step);
  return improved;
}

void TrainingRun::save() {
  if (saved_step_ == progress_.step) return;
  host_.communicator.announce(comm::Phase::checkpoint, progress_.step);
  require_agreement();
  saved_step_ = progress_.step;
  if (!writes()) return;
  const Clock::time_point begin = Clock::now();
  run::Checkpoint checkpoint;
  store(progress_now(), *assembly_.model, *assembly_.optimizer, checkpoint);
  checkpoint.configuration = config::to_yaml(settings_);
  checkpoint.data_identity = assembly_.source->description().identity;
  checkpoint.split_seed = settings_.data.split_seed;
  checkpoint.ranks = host_.communicator.world_size();
  checkpoint.threads = host_.threads;
  checkpoint.instruction_set = host_.instruction_set;
  checkpoint.versions = host_.versions;
  writer_->save(std::move(checkpoint), progress_.best_step == progress_.step);
  checkpoint_wait_seconds_ += seconds_since(begin);
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
  if (!writer_) return;
  run::Summary summary;
  summary.ended = ending;
  summary.steps = progress_.step;
  summary.best_step = progress_.best_step;
  summary.best_value = progress_.best_value;
  summary.seconds = progress_now().seconds;
  summary.ranks = host_.communicator.world_size();
  summary.threads = host_.threads;
  summary.instruction_set = host_.instruction_set;
  summary.versions = host_.versions;
  summary.reason = reason;
  writer_->conclude(summary);
}

run::Ending TrainingRun::run() {
  try {
    const bool was_exhausted =
        settings_.train.patience > 0 && progress_.validations_without_improvement >= settings_.train.patience;
    std::optional<run::Ending> ending;
    if (progress_.step >= settings_.train.steps) ending = run::Ending::completed;
    if (is_paused()) ending = run::Ending::interrupted;
    if (was_exhausted) ending = run::Ending::early_stopping;
    while (!ending) {
      if (train_step()) ending = after_step();
    }
    profiled_.finish();
    host_.communicator.announce(comm::Phase::ending, progress_.step);
    require_agreement();
    if (writer_) writer_->finish();
    conclude(*ending, "");
    if (writes()) {
      line_->clear();
      const std::string why = *ending == run::Ending::completed ? "all steps done"
                              : *ending == run::Ending::early_stopping
                                  ? "stopped early, the validation loss no longer improves"
                                  : "interrupted (" + interruption_ + "), state saved";
      host_.log.info("{} after {} steps and {}; best validation loss {:.4f} at step {}", why, progress_.step,
                     duration_text(progress_now().seconds), progress_.best_value, progress_.best_step);
    }
    return *ending;
  } catch (const std::exception& error) {
    conclude(run::Ending::failed, error.what());
    throw;
  }
}

}  // namespace

run::Ending train(const TrainRequest& request, const Host& host) { return TrainingRun(request, host).run(); }

}  // namespace causalfm::training
