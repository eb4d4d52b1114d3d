#pragma once

#include "causalfm/training/plan.hpp"
#include "app/job.hpp"

#include <iosfwd>

namespace causalfm::app {

/// `causalfm plan`: as tables for a person or, with `json`, as one JSON object. 0, also when the batch does not fit.
int plan_command(Job& job, const training::PlanRequest& request, bool json, std::ostream& output);

}  // namespace causalfm::app
