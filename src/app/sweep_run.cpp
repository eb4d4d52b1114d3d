#include "app/sweep_run.hpp"

#include "causalfm/run/lock.hpp"
#include "causalfm/run/process.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/sweep/error.hpp"
#include "causalfm/sweep/local_jobs.hpp"
#include "causalfm/sweep/rungs.hpp"
#include "app/command_sweep.hpp"
#include "app/exit_code.hpp"
#include "app/installation.hpp"
#include "app/quantity_text.hpp"
#include "app/stop_signals.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <ostream>
#include <thread>

namespace causalfm::app {

namespace {

using sweep::Progress;

/// What every trial of a local sweep is run with.
struct Surroundings {
  const SweepRequest& request;
  const sweep::SweepFolder& folder;
  const sweep::Description& description;
  spdlog::logger& log;
  std::atomic<bool>& stop;
};

/// One rung's trials, some at a time.
class LocalRung {
 public:
  LocalRung(const Surroundings& surroundings, int64_t rung)
      : with_(surroundings),
        rung_(rung),
        trials_(sweep::trials_of_rung(with_.folder, with_.description, with_.folder.trials(with_.description), rung,
                                      run::observer_here())) {}

  void run() {
    sweep::for_each_task(static_cast<int64_t>(trials_.size()), with_.request.jobs, with_.stop,
                         [this](int64_t index, const std::vector<int>& cores) { run_trial(index, cores); });
  }

 private:
  int64_t steps_of(const sweep::Trial& trial) const { return sweep::steps_of(with_.description, trial, rung_); }

  sweep::Outcome outcome_of(const sweep::Trial& trial) const {
    return sweep::outcome_of(with_.folder, with_.description, trial, steps_of(trial), run::observer_here());
  }

  bool is_wanted(const sweep::Outcome& outcome) const {
    if (outcome.progress == Progress::done) return false;
    const bool repeats = outcome.progress == Progress::failed && outcome.code == static_cast<int>(ExitCode::numerics);
    return !repeats || with_.request.retry_failed;
  }

  sweep::Command command(int64_t index, bool evaluate) const {
    const std::string program = this_program().string();
    sweep::Command command{{program}, {"CAUSALFM_BINARY=" + program}, with_.folder.output_file(trials_[index])};
    const int64_t ranks = evaluate ? 1 : with_.request.ranks;
    if (ranks > 1) command.arguments = {companion_file("launch/mpirun.sh").string(), std::to_string(ranks)};
    for (const std::string& argument : {std::string("sweep"), std::string("trial"), with_.folder.path().string(),
                                        std::to_string(index), std::string("--rung"), std::to_string(rung_)}) {
      command.arguments.push_back(argument);
    }
    if (evaluate) command.arguments.emplace_back("--evaluate");
    return command;
  }

  void run_trial(int64_t index, const std::vector<int>& cores) {
    const sweep::Trial& trial = trials_[static_cast<std::size_t>(index)];
    if (!is_wanted(outcome_of(trial))) return;
    say(fmt::format("{}: starting", trial.name));
    const auto begin = std::chrono::steady_clock::now();
    sweep::Ended ended = sweep::run_command(command(index, false), cores, with_.stop);
    if (ended.code == 0 && with_.description.objective.of_report && !with_.stop) {
      ended = sweep::run_command(command(index, true), cores, with_.stop);
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    tell(trial, ended, taken.count());
  }

  void tell(const sweep::Trial& trial, const sweep::Ended& ended, double seconds) {
    if (ended.code == 0) {
      const sweep::Outcome outcome = outcome_of(trial);
      if (outcome.progress != Progress::done) return;
      say(fmt::format("{}: {} {:.5g} after {}", trial.name, with_.description.objective.name, outcome.value,
                      seconds_text(seconds)));
      return;
    }
    if (ended.code == static_cast<int>(ExitCode::interrupted) || with_.stop) {
      say(trial.name + ": interrupted, to go on");
      return;
    }
    if (ended.code == static_cast<int>(ExitCode::storage)) throw storage::StorageError(ended.sentence);
    // A process that was killed has not said so itself.
    if (!with_.folder.read_failure(trial)) with_.folder.write_failure(trial, {ended.code, ended.sentence});
    if (ended.code == static_cast<int>(ExitCode::usage)) outcome_of(trial);  // throws where no trial has the objective
    const std::lock_guard lock(mutex_);
    with_.log.warn("{}: failed with code {}: {}", trial.name, ended.code, ended.sentence);
  }

  void say(const std::string& sentence) {
    const std::lock_guard lock(mutex_);
    with_.log.info("{}", sentence);
  }

  const Surroundings& with_;
  int64_t rung_;
  std::vector<sweep::Trial> trials_;
  std::mutex mutex_;
};

/// Sets `stop` once a signal has asked for the end.
class StopWatch {
 public:
  explicit StopWatch(std::atomic<bool>& stop)
      : thread_([this, &stop](const std::stop_token& end) {
          while (!end.stop_requested()) {
            if (signals_.requested()) stop = true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
          }
        }) {}

 private:
  StopSignals signals_;
  std::jthread thread_;
};

sweep::SweepFolder prepare(storage::FileSystem& file_system, const SweepRequest& request,
                           const std::filesystem::path& folder) {
  const sweep::SweepFile sweep = sweep::read_sweep(request.file);
  sweep::trials_of(sweep.description, request.file.string());  // throws before anything is written
  return sweep::SweepFolder::create(file_system, folder, sweep.text, sweep.description);
}

int code_of(const sweep::Standing& standing) {
  if (!standing.has_ended()) return static_cast<int>(ExitCode::interrupted);
  return static_cast<int>(standing.count(Progress::failed) > 0 ? ExitCode::trials_failed : ExitCode::done);
}

int run_here(Job& job, const SweepRequest& request, const sweep::SweepFolder& folder, std::ostream& output) {
  const auto dead_lock = run::find_dead_lock(folder.file_system(), folder.lock_file());
  if (dead_lock) job.log().info("{}", dead_lock->sentence);
  const run::Lock lock(folder.file_system(), folder.lock_file(), dead_lock, {run::this_host()});
  const sweep::Description description = folder.description();
  const auto cores = static_cast<int64_t>(job.cores());
  if (request.jobs * request.ranks > cores) {
    job.log().warn("{} trials of {} rank{} at a time share {} core{}: they slow each other down", request.jobs,
                   request.ranks, request.ranks == 1 ? "" : "s", cores, cores == 1 ? "" : "s");
  }
  std::atomic<bool> stop = false;
  const StopWatch watch(stop);
  const Surroundings surroundings{request, folder, description, job.log(), stop};
  const auto rungs = sweep::rungs_of(description);
  for (std::size_t rung = 0; rung < rungs.size() && !stop; ++rung) {
    if (rungs.size() > 1) {
      job.log().info("rung {} of {}: {} settings for {} steps", rung, rungs.size() - 1, rungs[rung].settings,
                     grouped(rungs[rung].steps));
    }
    LocalRung(surroundings, static_cast<int64_t>(rung)).run();
  }
  const int code = code_of(show_standing(job, folder, /*json=*/false, output));
  if (code == static_cast<int>(ExitCode::interrupted)) job.log().info("run the same command again to go on");
  return code;
}

int submit(Job& job, const sweep::SweepFolder& folder) {
  const std::string script = companion_file("scripts/slurm/submit.sh").string();
  const std::atomic<bool> stop = false;
  const std::filesystem::path said = folder.path() / "output" / "submit.txt";
  const std::string program = this_program().string();
  const sweep::Ended ended =
      sweep::run_command({{script, "sweep", folder.path().string()}, {"CAUSALFM_BINARY=" + program}, said}, {}, stop);
  if (ended.code != 0) {
    throw sweep::SweepError(ended.sentence.empty() ? fmt::format("{} failed with code {}; {} has what it said", script,
                                                                 ended.code, said.string())
                                                   : ended.sentence);
  }
  job.log().info("submitted, as {} tells; `causalfm sweep status {}` shows how it goes", said.string(),
                 folder.path().string());
  return static_cast<int>(ExitCode::done);
}

}  // namespace

int sweep_run(Job& job, const SweepRequest& request, std::ostream& output) {
  if (job.is_launched()) {
    throw sweep::SweepError(
        "sweep run starts its trials itself: start it without mpirun or srun, and give --ranks or "
        "--launcher slurm");
  }
  const auto file_system = storage::make_real_file_system();
  const std::filesystem::path folder =
      request.folder.empty() ? std::filesystem::path("sweeps") / request.file.stem() : request.folder;
  const sweep::SweepFolder prepared = prepare(*file_system, request, std::filesystem::absolute(folder));
  return request.launcher == Launcher::slurm ? submit(job, prepared) : run_here(job, request, prepared, output);
}

}  // namespace causalfm::app
