#pragma once

#include "causalfm/data/source.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace causalfm::data {

/// What observation rows[i] would look like through instruments[i], without noise: clip(S F + O) of paper Eqs. 1-4 with
/// the star's parameters, the observation's phases and that instrument's terms. [n, T] row-major. Local.
/// @throws DataError when the data were not simulated (description().simulation is none), or a row or an instrument is
///         out of range.
std::vector<float> noiseless_curves(const Source& source, std::span<const int64_t> rows,
                                    std::span<const int64_t> instruments);

}  // namespace causalfm::data
