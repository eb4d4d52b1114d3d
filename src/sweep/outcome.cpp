#include "causalfm/sweep/outcome.hpp"

#include "causalfm/run/error.hpp"
#include "causalfm/run/history.hpp"
#include "causalfm/run/metrics.hpp"
#include "causalfm/sweep/rungs.hpp"
#include "sweep/report_value.hpp"

#include <nlohmann/json.hpp>

namespace causalfm::sweep {

namespace {

using nlohmann::ordered_json;
using run::Activity;

double value_at_the_best(const run::History& history, const std::string& field, int64_t steps) {
  const ordered_json* best = history.best(steps);
  return best == nullptr ? std::numeric_limits<double>::quiet_NaN() : run::number_of(*best, field);
}

double value_of_the_last_step(const run::RunFolder& run, const std::string& field, int64_t steps) {
  double value = std::numeric_limits<double>::quiet_NaN();
  run::visit_metrics(run.file_system(), run.metrics_file(), [&](const ordered_json& line) {
    if (!line.contains("validation_loss") && line["step"].get<int64_t>() < steps) value = run::number_of(line, field);
  });
  return value;
}

Progress progress_of(Activity activity) {
  switch (activity) {
    case Activity::running:
      return Progress::running;
    case Activity::silent:
    case Activity::gone:
      return Progress::gone;
    case Activity::failed:
      return Progress::failed;
    case Activity::interrupted:
    case Activity::completed:  // of fewer steps than are asked for now
    case Activity::early_stopping:
      return Progress::interrupted;
  }
  return Progress::gone;
}

Outcome failed(Outcome outcome, const Failure& failure) {
  outcome.progress = Progress::failed;
  outcome.code = failure.code;
  outcome.sentence = failure.sentence;
  return outcome;
}

}  // namespace

std::string to_string(Progress progress) {
  switch (progress) {
    case Progress::waiting:
      return "waiting";
    case Progress::running:
      return "running";
    case Progress::interrupted:
      return "interrupted";
    case Progress::gone:
      return "gone";
    case Progress::failed:
      return "failed";
    case Progress::trained:
      return "trained";
    case Progress::done:
      return "done";
  }
  return "unknown";
}

int64_t steps_of(const Description& description, const Trial& trial, int64_t rung) {
  const int64_t steps = rungs_of(description)[static_cast<std::size_t>(rung)].steps;
  return steps > 0 ? steps : trial.config.train.steps;
}

Outcome outcome_of(const SweepFolder& folder, const Description& description, const Trial& trial, int64_t steps,
                   const run::Observer& observer) {
  Outcome outcome;
  const std::optional<Failure> failure = folder.read_failure(trial);
  const std::filesystem::path place = folder.run(trial);
  if (!folder.file_system().exists(place / "config.yaml")) return failure ? failed(outcome, *failure) : outcome;
  const run::RunState state = run::read_state(folder.file_system(), place, observer);
  outcome.steps = state.history.steps_done;
  outcome.seconds = state.seconds;
  const bool trained = outcome.steps >= steps || state.activity == Activity::early_stopping;
  if (!trained) {
    outcome.progress = progress_of(state.activity);
    outcome.sentence = state.reason;
    return failure && outcome.progress != Progress::running ? failed(outcome, *failure) : outcome;
  }
  const Objective& objective = description.objective;
  if (objective.of_training) {
    const run::RunFolder run = run::RunFolder::open(folder.file_system(), place);
    outcome.value = value_of_the_last_step(run, objective.name, steps);
  } else if (!objective.of_report) {
    outcome.value = value_at_the_best(state.history, objective.name, steps);
  } else {
    const std::filesystem::path file = folder.report(trial, steps) / "report.json";
    if (!folder.file_system().exists(file)) {
      outcome.progress = Progress::trained;
      return failure ? failed(outcome, *failure) : outcome;
    }
    outcome.value = value_in_report(folder.file_system(), file, objective.name);
  }
  outcome.progress = Progress::done;
  return outcome;
}

}  // namespace causalfm::sweep
