#pragma once

#include "causalfm/sweep/folder.hpp"
#include "app/job.hpp"

#include <cstdint>

namespace causalfm::app {

/// Evaluates what a trial has learned in so many steps on its validation stars, so that no choice looks at the test
/// stars, and puts the report where the sweep looks for it. Trials of the same simulation share one data set, which the
/// first of them writes. One rank.
void evaluate_trial(Job& job, const sweep::SweepFolder& folder, const sweep::Trial& trial, int64_t steps);

}  // namespace causalfm::app
