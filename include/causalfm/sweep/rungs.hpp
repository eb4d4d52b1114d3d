#pragma once

#include "causalfm/sweep/description.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace causalfm::sweep {

/// One stage of a sweep: how many settings it tries, and how far.
struct Rung {
  int64_t settings = 0;
  int64_t steps = 0;  ///< each trial's own train.steps where 0
};

/// One rung for a grid or a random search. Successive halving (Jamieson & Talwalkar 2016, "Non-stochastic best arm
/// identification"): each rung has one in `reduction` of the former's settings for `reduction` times the steps, the
/// last one train.steps; steps are rounded up to a validation, by which the settings are compared, and
/// of rungs that would then be of the same steps the first stands.
std::vector<Rung> rungs_of(const Description& description);

/// @throws SweepError when successive halving cannot halve this.
void require_rungs(const Description& description, const std::string& name);

}  // namespace causalfm::sweep
