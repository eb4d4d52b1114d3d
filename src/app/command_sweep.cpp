#include "app/command_sweep.hpp"

#include "causalfm/run/json_text.hpp"
#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/sweep/error.hpp"
#include "causalfm/sweep/rungs.hpp"
#include "causalfm/sweep/standing.hpp"
#include "app/command_train.hpp"
#include "app/exit_code.hpp"
#include "app/figures.hpp"
#include "app/quantity_text.hpp"
#include "app/sweep_evaluation.hpp"
#include "app/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>
#include <ostream>
#include <string>

namespace causalfm::app {

namespace {

using Row = std::vector<std::string>;
using sweep::Progress;

std::string number_text(double number) { return std::isnan(number) ? "-" : fmt::format("{:.5g}", number); }

void print_settings(const sweep::Standing& standing, std::ostream& output) {
  const bool rungs = standing.description.method == sweep::Method::successive_halving;
  std::vector<Row> rows(1);
  for (const sweep::Parameter& parameter : standing.description.parameters) rows[0].push_back(parameter.key);
  rows[0].insert(rows[0].end(), {standing.description.objective.name, "deviation", "done"});
  if (rungs) rows[0].insert(rows[0].end(), {"rung", "steps"});
  for (const sweep::SettingStanding& setting : standing.settings) {
    Row row;
    for (const auto& [key, value] : setting.setting) row.push_back(value);
    row.insert(row.end(), {number_text(setting.mean), number_text(setting.spread),
                           fmt::format("{} of {}", setting.done, setting.trials.size())});
    if (rungs) {
      row.insert(row.end(), {std::to_string(setting.rung), grouped(setting.trials.front().steps_asked_for)});
    }
    rows.push_back(std::move(row));
  }
  print_table(rows, output);
}

void print_unfinished(const sweep::Standing& standing, std::ostream& output) {
  for (const sweep::SettingStanding& setting : standing.settings) {
    for (const sweep::TrialStanding& trial : setting.trials) {
      const sweep::Outcome& outcome = trial.outcome;
      if (outcome.progress == Progress::failed) {
        const std::string code = outcome.code == 0 ? "" : fmt::format(" with code {}", outcome.code);
        output << fmt::format("{} failed{} at step {}: {}\n", trial.trial.name, code, outcome.steps, outcome.sentence);
      } else if (outcome.progress == Progress::running) {
        output << fmt::format("{} is running, at step {} of {}\n", trial.trial.name, grouped(outcome.steps),
                              grouped(trial.steps_asked_for));
      }
    }
  }
}

void print(const sweep::Standing& standing, const std::filesystem::path& folder, std::ostream& output) {
  output << folder.string() << ":";
  for (const Progress progress : {Progress::done, Progress::running, Progress::waiting, Progress::interrupted,
                                  Progress::gone, Progress::trained, Progress::failed}) {
    const int64_t count = standing.count(progress);
    if (count > 0) output << fmt::format(" {} {}", grouped(count), sweep::to_string(progress));
  }
  output << "\n\n";
  print_settings(standing, output);
  output << "\n";
  print_unfinished(standing, output);
  if (standing.best() != nullptr) {
    output << fmt::format("the best setting, ready to train: {}\n", (folder / "best.yaml").string());
  }
}

/// Whether the folder takes them; who looks at another's sweep may not write there.
bool write_tables(const sweep::SweepFolder& folder, const sweep::Standing& standing, spdlog::logger& log) {
  const auto write = [&](const char* name, const std::string& text) {
    storage::replace_file(folder.file_system(), folder.path() / name, std::string_view(text));
  };
  try {
    write("settings.csv", sweep::settings_csv(standing));
    write("trials.csv", sweep::trials_csv(standing));
    write("sweep.json", run::to_text(sweep::to_json(standing), 2) + "\n");
    if (standing.best() != nullptr) write("best.yaml", sweep::best_yaml(standing));
    return true;
  } catch (const storage::StorageError& error) {
    log.warn("no files beside this table: {}", error.what());
    return false;
  }
}

std::vector<sweep::Trial> trials_of_rung(const sweep::SweepFolder& folder, const sweep::Description& description,
                                         int64_t rung) {
  const auto rungs = static_cast<int64_t>(sweep::rungs_of(description).size());
  if (rung < 0 || rung >= rungs) {
    throw sweep::SweepError(fmt::format("--rung {}: the sweep has rungs 0 to {}", rung, rungs - 1));
  }
  return sweep::trials_of_rung(folder, description, folder.trials(description), rung, run::observer_here());
}

sweep::Trial trial_of(const sweep::SweepFolder& folder, const sweep::Description& description,
                      const TrialRequest& request) {
  const auto trials = trials_of_rung(folder, description, request.rung);
  if (request.index < 0 || request.index >= static_cast<int64_t>(trials.size())) {
    throw sweep::SweepError(
        fmt::format("INDEX {}: rung {} has trials 0 to {}", request.index, request.rung, trials.size() - 1));
  }
  return trials[static_cast<std::size_t>(request.index)];
}

void print_names(int64_t rung, const std::vector<sweep::Trial>& trials, std::ostream& output) {
  for (std::size_t index = 0; index < trials.size(); ++index) {
    output << rung << "\t" << index << "\t" << trials[index].name << "\n";
  }
}

/// @return the code with which the trial's training ends.
int train_trial(Job& job, const sweep::SweepFolder& folder, const sweep::Trial& trial, int64_t steps) {
  training::TrainRequest request{trial.config, folder.run(trial), training::Resume::automatic, {}};
  if (steps < trial.config.train.steps) request.pause_at = steps;
  const int code = train_command(job, request);
  if (code != static_cast<int>(ExitCode::interrupted) || !request.pause_at) return code;
  const run::RunFolder run = run::RunFolder::open(folder.file_system(), request.folder);
  const bool paused = run::read_history(folder.file_system(), run).steps_done >= steps;
  return static_cast<int>(paused ? ExitCode::done : ExitCode::interrupted);
}

}  // namespace

sweep::Standing show_standing(Job& job, const sweep::SweepFolder& folder, bool json, std::ostream& output) {
  sweep::Standing standing = sweep::standing_of(folder, run::observer_here());
  if (json) {
    output << run::to_text(sweep::to_json(standing), 2) << "\n";
  } else {
    print(standing, folder.path(), output);
  }
  if (write_tables(folder, standing, job.log()) && standing.best() != nullptr) {
    draw_figures(figure_program("sweep.py"), folder.path(), job.log());
  }
  return standing;
}

int sweep_status(Job& job, const std::filesystem::path& folder, bool json, std::ostream& output) {
  const auto file_system = storage::make_real_file_system();
  show_standing(job, sweep::SweepFolder::open(*file_system, folder), json, output);
  return static_cast<int>(ExitCode::done);
}

int sweep_list(const std::filesystem::path& path, const std::optional<int64_t>& rung, std::ostream& output) {
  std::vector<sweep::Trial> trials;
  sweep::Description description;
  if (std::filesystem::is_directory(path)) {
    const auto file_system = storage::make_real_file_system();
    const auto folder = sweep::SweepFolder::open(*file_system, path);
    description = folder.description();
    if (rung) {
      print_names(*rung, trials_of_rung(folder, description, *rung), output);
      return static_cast<int>(ExitCode::done);
    }
    trials = folder.trials(description);
  } else {
    if (rung) throw sweep::SweepError("--rung: a rung has its trials in the sweep's folder; give that");
    description = sweep::read_sweep(path).description;
    trials = sweep::trials_of(description, path.string());
  }
  print_names(0, trials, output);
  const auto rungs = sweep::rungs_of(description);
  for (std::size_t later = 1; later < rungs.size(); ++later) {
    const auto count = rungs[later].settings * static_cast<int64_t>(description.seeds.size());
    for (int64_t index = 0; index < count; ++index) output << later << "\t" << index << "\t-\n";
  }
  return static_cast<int>(ExitCode::done);
}

int sweep_trial(Job& job, const TrialRequest& request) {
  const auto file_system = storage::make_real_file_system();
  const auto folder = sweep::SweepFolder::open(*file_system, request.folder);
  const sweep::Description description = folder.description();
  const sweep::Trial trial = trial_of(folder, description, request);
  const int64_t steps = sweep::steps_of(description, trial, request.rung);
  const auto outcome = [&] { return sweep::outcome_of(folder, description, trial, steps, run::observer_here()); };
  const bool writes = job.rank() == 0;
  try {
    const Progress progress = outcome().progress;
    if (progress == Progress::done || (request.evaluate && progress != Progress::trained)) return 0;
    if (writes && !request.evaluate) folder.remove_failure(trial);
    if (!request.evaluate) return progress == Progress::trained ? 0 : train_trial(job, folder, trial, steps);
    evaluate_trial(job, folder, trial, steps);
    outcome();  // throws where the report lacks the objective
    return static_cast<int>(ExitCode::done);
  } catch (const std::exception& error) {
    const Failure failure = describe_failure(error);
    try {
      if (writes) folder.write_failure(trial, {static_cast<int>(failure.code), failure.sentence});
    } catch (const storage::StorageError&) {  // the disk is what has failed; the sentence is said below
    }
    throw;
  }
}

}  // namespace causalfm::app
