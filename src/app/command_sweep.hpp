#pragma once

#include "causalfm/sweep/folder.hpp"
#include "causalfm/sweep/standing.hpp"
#include "app/job.hpp"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>

namespace causalfm::app {

/// Prints how a sweep stands, the best setting first; writes settings.csv, trials.csv, sweep.json, best.yaml and
/// sweep.png into its folder, where it may. @return what it has printed.
sweep::Standing show_standing(Job& job, const sweep::SweepFolder& folder, bool json, std::ostream& output);

/// `causalfm sweep status`
int sweep_status(Job& job, const std::filesystem::path& folder, bool json, std::ostream& output);

/// `causalfm sweep list`: rung, index in it and name of every trial, separated by tabs, from a sweep's file or folder.
/// The name is "-" where it depends on what the former rung shows. With `rung`, the trials that take part in it as the
/// former stands now, from a folder.
int sweep_list(const std::filesystem::path& path, const std::optional<int64_t>& rung, std::ostream& output);

struct TrialRequest {
  std::filesystem::path folder;
  int64_t index = 0;  ///< within the rung
  int64_t rung = 0;
  bool evaluate = false;  ///< instead of training, and only where the objective asks for it
};

/// `causalfm sweep trial`: trains one trial, or does nothing when it has been; all ranks. What fails is kept in the
/// sweep's folder. Code 75 if it was interrupted.
int sweep_trial(Job& job, const TrialRequest& request);

}  // namespace causalfm::app
