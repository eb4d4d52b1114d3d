#include "simulation/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace causalfm::simulation {
namespace {

template <class Distribution>
double kolmogorov_smirnov(std::span<const double> values, Distribution distribution) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const auto count = static_cast<double>(sorted.size());
  double distance = 0.0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const double expected = distribution(sorted[i]);
    distance =
        std::max({distance, expected - static_cast<double>(i) / count, static_cast<double>(i + 1) / count - expected});
  }
  return std::sqrt(count) * distance;
}

}  // namespace

double mean(std::span<const double> values) { return moment(values, 1); }

double variance(std::span<const double> values) { return moment(values, 2) - std::pow(mean(values), 2); }

double moment(std::span<const double> values, int power) {
  const auto add = [power](double sum, double value) { return sum + std::pow(value, power); };
  return std::accumulate(values.begin(), values.end(), 0.0, add) / static_cast<double>(values.size());
}

double correlation_in_sigmas(std::span<const double> values, std::span<const double> others) {
  const auto count = static_cast<double>(values.size());
  const double product = std::inner_product(values.begin(), values.end(), others.begin(), 0.0) / count;
  const double covariance = product - mean(values) * mean(others);
  return covariance / std::sqrt(variance(values) * variance(others)) * std::sqrt(count);
}

double kolmogorov_smirnov_normal(std::span<const double> values) {
  return kolmogorov_smirnov(values, [](double value) { return 0.5 * std::erfc(-value / std::sqrt(2.0)); });
}

double kolmogorov_smirnov_uniform(std::span<const double> values) {
  return kolmogorov_smirnov(values, [](double value) { return std::clamp(value, 0.0, 1.0); });
}

}  // namespace causalfm::simulation
