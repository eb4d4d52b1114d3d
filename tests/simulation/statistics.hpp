#pragma once

#include <span>

namespace causalfm::simulation {

double mean(std::span<const double> values);
double variance(std::span<const double> values);

/// (sum of x^power) / n
double moment(std::span<const double> values, int power);

/// Correlation of values[i] with others[i], times sqrt(n): a standard normal number where the two are independent.
double correlation_in_sigmas(std::span<const double> values, std::span<const double> others);

/// Kolmogorov and Smirnov's sqrt(n) D against the standard normal law and against the uniform law on [0, 1): above 1.95
/// with a probability of 0.001 where the law holds.
double kolmogorov_smirnov_normal(std::span<const double> values);
double kolmogorov_smirnov_uniform(std::span<const double> values);

}  // namespace causalfm::simulation
