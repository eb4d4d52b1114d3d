#pragma once

#include <cstdint>
#include <vector>

#include "causalfm/config/config.hpp"

namespace causalfm::simulation {

/// The instruments of the star's observations by settings.assignment, as Simulator::instruments_of_star documents.
/// A pure function of (settings.seed, star) and the counts in settings.
std::vector<int32_t> assign_instruments(const config::Simulation& settings, int64_t star);

}  // namespace causalfm::simulation
