#pragma once

#include "causalfm/sweep/description.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace causalfm::sweep {

/// Keys of the configuration with their values as YAML, in the order of the sweep's file.
using Setting = std::vector<std::pair<std::string, std::string>>;

/// The settings of a sweep, a pure function of its description. A grid runs through the last parameter first. What is
/// drawn for setting i depends on search_seed, i and the parameter's own name and values alone, so that more trials
/// keep the former ones; no setting comes twice.
/// @throws SweepError if lists alone give fewer settings than are asked for.
std::vector<Setting> settings_of(const Description& description);

/// One run: a setting on one seed.
struct Trial {
  int64_t setting = 0;  ///< index in settings_of()
  int64_t seed = 0;
  std::string name;  ///< "loss.temperature=0.1,seed=0"; the name of a folder
  config::Config config;
};

/// Every setting on every seed; seeds are innermost. `name` stands for the sweep in sentences.
/// @throws SweepError for a setting that is no configuration, before any has been tried.
std::vector<Trial> trials_of(const Description& description, const std::string& name);

}  // namespace causalfm::sweep
