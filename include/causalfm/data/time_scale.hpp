#pragma once

#include "causalfm/data/source.hpp"

#include <cstdint>
#include <span>

namespace causalfm::data {

/// What a time encoding needs to know of the training set, in the unit of the source's time.
struct TimeScale {
  double span = 0.0;            ///< largest time since a curve's first cadence, over observed samples
  double median_cadence = 0.0;  ///< median time between consecutive observed samples
};

/// Measured on `rows`; on at most 4,096 of them, evenly spaced, when they are many and do not share one fully observed
/// grid. Deterministic, equal on every rank. @throws DataError when no curve has two observed samples, or when time
/// does not increase along a curve.
TimeScale time_scale(const Source& source, std::span<const int64_t> rows);

}  // namespace causalfm::data
