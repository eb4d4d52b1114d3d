#pragma once

#include "causalfm/sweep/description.hpp"

#include <string>
#include <vector>

namespace causalfm::sweep {

/// The objective of that name. @throws SweepError naming `place` and the nearest name if there is none.
Objective objective_named(const std::string& name, const std::string& place);

/// Refuses losses whose scale the swept keys change. @throws SweepError naming `place`.
void require_comparable(const Objective& objective, const std::vector<Parameter>& parameters, const std::string& place);

}  // namespace causalfm::sweep
