#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "causalfm/simulation/simulator.hpp"
#include "simulation/statistics.hpp"

namespace causalfm::simulation {
namespace {

/// (flux - noiseless) / noise of the first `count` observations.
std::vector<double> residuals(const config::Simulation& settings, int64_t count) {
  const Simulator simulator(settings);
  std::vector<Observation> observations;
  for (int64_t id = 0; id < count; ++id) {
    observations.push_back(simulator.observation(id));
  }
  std::vector<double> clean(observations.size() * static_cast<size_t>(settings.length));
  std::vector<float> flux(clean.size());
  simulator.noiseless(observations, clean);
  simulator.light_curves(observations, flux);
  for (size_t i = 0; i < clean.size(); ++i) {
    clean[i] = (static_cast<double>(flux[i]) - clean[i]) / settings.noise;
  }
  return clean;
}

TEST(Noise, IsGaussianWithTheConfiguredDeviation) {
  for (const double deviation : {0.03, 0.5}) {
    config::Simulation settings;
    settings.noise = deviation;
    const std::vector<double> noise = residuals(settings, 20000);
    const double root = std::sqrt(static_cast<double>(noise.size()));
    EXPECT_NEAR(mean(noise), 0.0, 4.0 / root);
    EXPECT_NEAR(variance(noise), 1.0, 4.0 * std::sqrt(2.0) / root);
    EXPECT_NEAR(moment(noise, 3), 0.0, 4.0 * std::sqrt(15.0) / root);
    EXPECT_NEAR(moment(noise, 4), 3.0, 4.0 * std::sqrt(96.0) / root);
    EXPECT_LT(kolmogorov_smirnov_normal(noise), 1.95);
  }
}

TEST(Noise, HasTheTailsOfAGaussian) {
  const std::vector<double> noise = residuals(config::Simulation{}, 40000);
  for (const double limit : {3.0, 4.0, 4.5}) {
    double beyond = 0.0;
    for (const double value : noise) {
      beyond += std::abs(value) > limit ? 1.0 : 0.0;
    }
    const double expected = static_cast<double>(noise.size()) * std::erfc(limit / std::sqrt(2.0));
    EXPECT_NEAR(beyond, expected, 4.0 * std::sqrt(expected)) << limit;
  }
}

TEST(Noise, HasNoMemoryWithinACurveNorBetweenCurves) {
  const std::vector<double> noise = residuals(config::Simulation{}, 10000);
  const std::span<const double> all(noise);
  // 1 and 100 are neighbours in time and observation, 8 and 16 and 32 the strides of the draws.
  for (const size_t lag : {1, 2, 3, 4, 8, 15, 16, 17, 24, 32, 50, 100, 2000}) {
    EXPECT_LT(std::abs(correlation_in_sigmas(all.first(all.size() - lag), all.last(all.size() - lag))), 4.0) << lag;
  }
}

TEST(Noise, ZeroNoiseLeavesTheRoundedCleanCurve) {
  config::Simulation settings;
  settings.noise = 0.0;
  const Simulator simulator(settings);
  const Observation observation = simulator.observation(17);
  std::vector<double> clean(100);
  std::vector<float> flux(100);
  simulator.noiseless(std::span(&observation, 1), clean);
  simulator.light_curves(std::span(&observation, 1), flux);
  for (size_t t = 0; t < 100; ++t) {
    EXPECT_EQ(flux[t], static_cast<float>(clean[t]));
  }
}

}  // namespace
}  // namespace causalfm::simulation
