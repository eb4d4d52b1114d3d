#include "causalfm/sweep/standing.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/sweep/rungs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace causalfm::sweep {

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

void tell_values(SettingStanding& standing) {
  double sum = 0.0;
  for (const TrialStanding& trial : standing.trials) {
    standing.failed += trial.outcome.progress == Progress::failed ? 1 : 0;
    if (trial.outcome.progress != Progress::done) continue;
    ++standing.done;
    sum += trial.outcome.value;
  }
  const auto count = static_cast<double>(standing.done);
  standing.mean = standing.done > 0 ? sum / count : unknown;
  double squares = 0.0;
  for (const TrialStanding& trial : standing.trials) {
    if (trial.outcome.progress == Progress::done) squares += std::pow(trial.outcome.value - standing.mean, 2);
  }
  standing.spread = standing.done > 1 ? std::sqrt(squares / (count - 1.0)) : unknown;
}

/// What sorts the best first.
auto order_of(const SettingStanding& standing, Direction direction) {
  const bool whole = standing.done == static_cast<int64_t>(standing.trials.size());
  const double sign = direction == Direction::minimize ? 1.0 : -1.0;
  const double badness = std::isnan(standing.mean) ? std::numeric_limits<double>::infinity() : sign * standing.mean;
  return std::tuple(-standing.rung, std::isnan(standing.mean), !whole, badness, standing.index);
}

void sort(std::vector<SettingStanding>& standings, Direction direction) {
  std::ranges::sort(standings, {}, [direction](const SettingStanding& one) { return order_of(one, direction); });
}

/// How the settings with these trials stand in `rung`, sorted.
std::vector<SettingStanding> stand_in(const SweepFolder& folder, const Description& description,
                                      const std::vector<Trial>& trials, int64_t rung, const run::Observer& observer) {
  const std::vector<Setting> settings = settings_of(description);
  std::vector<SettingStanding> standings;
  for (const Trial& trial : trials) {
    if (standings.empty() || standings.back().index != trial.setting) {
      standings.push_back({.index = trial.setting,
                           .setting = settings[static_cast<std::size_t>(trial.setting)],
                           .rung = rung,
                           .trials = {}});
    }
    const int64_t steps = steps_of(description, trial, rung);
    standings.back().trials.push_back({trial, steps, outcome_of(folder, description, trial, steps, observer)});
  }
  std::ranges::for_each(standings, tell_values);
  sort(standings, description.direction);
  return standings;
}

std::vector<Trial> promoted(const std::vector<SettingStanding>& standings, int64_t settings) {
  std::vector<Trial> trials;
  for (const SettingStanding& standing : standings) {
    if (settings-- == 0) break;
    for (const TrialStanding& trial : standing.trials) trials.push_back(trial.trial);
  }
  return trials;
}

bool has_ended(const std::vector<SettingStanding>& standings) {
  return std::ranges::all_of(standings, [](const SettingStanding& standing) {
    return std::ranges::all_of(standing.trials, [](const TrialStanding& trial) { return trial.outcome.has_ended(); });
  });
}

}  // namespace

const SettingStanding* Standing::best() const {
  return !settings.empty() && settings.front().done > 0 ? &settings.front() : nullptr;
}

bool Standing::has_ended() const { return sweep::has_ended(settings); }

int64_t Standing::count(Progress progress) const {
  int64_t count = 0;
  for (const SettingStanding& setting : settings) {
    count += std::ranges::count(setting.trials, progress, [](const auto& trial) { return trial.outcome.progress; });
  }
  return count;
}

std::vector<Trial> trials_of_rung(const SweepFolder& folder, const Description& description,
                                  const std::vector<Trial>& all, int64_t rung, const run::Observer& observer) {
  const std::vector<Rung> rungs = rungs_of(description);
  std::vector<Trial> trials = all;
  for (int64_t former = 0; former < rung; ++former) {
    trials = promoted(stand_in(folder, description, trials, former, observer),
                      rungs[static_cast<std::size_t>(former + 1)].settings);
  }
  return trials;
}

Standing standing_of(const SweepFolder& folder, const run::Observer& observer) {
  Standing standing{folder.description(), {}};
  const std::vector<Rung> rungs = rungs_of(standing.description);
  std::vector<Trial> trials = folder.trials(standing.description);
  for (std::size_t rung = 0; rung < rungs.size(); ++rung) {
    auto standings = stand_in(folder, standing.description, trials, static_cast<int64_t>(rung), observer);
    const bool ended = has_ended(standings);
    if (rung + 1 < rungs.size()) trials = promoted(standings, rungs[rung + 1].settings);
    for (SettingStanding& one : standings) {
      const auto former = std::ranges::find(standing.settings, one.index, &SettingStanding::index);
      if (former == standing.settings.end()) {
        standing.settings.push_back(std::move(one));
      } else {
        *former = std::move(one);
      }
    }
    if (!ended) break;
  }
  sort(standing.settings, standing.description.direction);
  return standing;
}

std::string best_yaml(const Standing& standing) {
  const SettingStanding* best = standing.best();
  if (best == nullptr) return "";
  std::string text =
      fmt::format("# The best of {} settings by {} ({} is better): mean {:.6g}", standing.settings.size(),
                  standing.description.objective.name,
                  standing.description.direction == Direction::minimize ? "lower" : "higher", best->mean);
  if (!std::isnan(best->spread)) text += fmt::format(", standard deviation {:.2g}", best->spread);
  text += fmt::format(" over {} seed{}.\n", best->done, best->done == 1 ? "" : "s");
  for (const auto& [key, value] : best->setting) text += fmt::format("# {}: {}\n", key, value);
  return text + config::to_yaml(best->trials.front().trial.config);
}

}  // namespace causalfm::sweep
