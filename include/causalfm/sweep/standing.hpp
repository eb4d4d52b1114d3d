#pragma once

#include "causalfm/sweep/outcome.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace causalfm::sweep {

/// A trial with what has become of it in the last rung that it takes part in.
struct TrialStanding {
  Trial trial;
  int64_t steps_asked_for = 0;
  Outcome outcome;
};

/// A setting over its seeds.
struct SettingStanding {
  int64_t index = 0;  ///< of settings_of()
  Setting setting;
  int64_t rung = 0;                   ///< the last that it takes part in
  int64_t done = 0;                   ///< trials
  int64_t failed = 0;                 ///< trials
  double mean = 0.0;                  ///< of the objective over the trials that are done; NaN without
  double spread = 0.0;                ///< standard deviation over them, of a sample; NaN of fewer than two
  std::vector<TrialStanding> trials;  ///< by seed
};

/// What a sweep has shown so far, read from its folder.
struct Standing {
  Description description;
  /// The best first: later rungs, then settings whose every trial is done, then by the mean; then by index.
  std::vector<SettingStanding> settings;

  /// None before any trial is done.
  const SettingStanding* best() const;
  int64_t count(Progress progress) const;
  /// Whether every trial has come to its end, well or not.
  bool has_ended() const;
};

/// The trials that take part in a rung, the best setting of the former rung first; in rung 0 all, in their order.
/// Trials that have no value count as worst.
std::vector<Trial> trials_of_rung(const SweepFolder& folder, const Description& description,
                                  const std::vector<Trial>& all, int64_t rung, const run::Observer& observer);

/// @throws as outcome_of() does.
Standing standing_of(const SweepFolder& folder, const run::Observer& observer);

/// Everything: {"format": "causalfm-sweep", "version": 1, "objective", "direction", "method", "settings": […], …}.
nlohmann::ordered_json to_json(const Standing& standing);

/// A line a setting, as the table shows it.
std::string settings_csv(const Standing& standing);

/// A line a trial.
std::string trials_csv(const Standing& standing);

/// The best setting as a configuration that `causalfm train` takes, with a comment that says where it is from; empty
/// before any trial is done.
std::string best_yaml(const Standing& standing);

}  // namespace causalfm::sweep
