#pragma once

#include "causalfm/data/source.hpp"
#include "causalfm/simulation/simulator.hpp"
#include "causalfm/storage/array.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace causalfm::data {

/// Whether a column has a row for each instrument rather than for each observation.
bool is_of_instruments(const std::string& column);

/// What a universe was made of: truth/theta [rows, K], truth/phase [rows, K-1], truth/beta and truth/gamma
/// [instruments, M], float64, of the rows first ... first + count - 1 of a table.
std::vector<std::pair<std::string, storage::Array>> simulation_truth(const simulation::Simulator& simulator,
                                                                     const ObservationTable& table, int64_t first,
                                                                     int64_t count);

}  // namespace causalfm::data
