#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace causalfm::data {

/// Pearson's statistic of counts against equal expectation, in standard deviations above its mean (Wilson & Hilferty
/// 1931): above 4 with a probability of 3e-5 where the law is uniform.
inline double chi_square_in_sigmas(const std::vector<int64_t>& counts) {
  double sum = 0.0;
  for (const int64_t count : counts) sum += static_cast<double>(count);
  const double expected = sum / static_cast<double>(counts.size());
  double statistic = 0.0;
  for (const int64_t count : counts) {
    statistic += (static_cast<double>(count) - expected) * (static_cast<double>(count) - expected) / expected;
  }
  const double freedom = static_cast<double>(counts.size()) - 1.0;
  const double spread = 2.0 / (9.0 * freedom);
  return (std::cbrt(statistic / freedom) - (1.0 - spread)) / std::sqrt(spread);
}

}  // namespace causalfm::data
