#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "causalfm/simulation/simulator.hpp"
#include "simulation/statistics.hpp"

namespace causalfm::simulation {
namespace {

constexpr double improbable = 1.95;  ///< for sqrt(n) D of Kolmogorov and Smirnov
constexpr double sigmas = 4.0;

/// As many stars as instruments and as many parameters as terms, so that the streams can be compared id by id.
config::Simulation square_universe() {
  config::Simulation settings;
  settings.stars = 4000;
  settings.instruments = 4000;
  settings.curves_per_star = 1;
  settings.instrument_terms = settings.stellar_parameters;
  return settings;
}

/// Column k of the draws of all ids.
struct Draws {
  std::vector<std::vector<double>> theta, phi, beta, gamma;
};

Draws draw(const config::Simulation& settings) {
  const Simulator simulator(settings);
  const auto parameters = static_cast<size_t>(settings.stellar_parameters);
  Draws draws{std::vector<std::vector<double>>(parameters), std::vector<std::vector<double>>(parameters - 1),
              std::vector<std::vector<double>>(parameters), std::vector<std::vector<double>>(parameters)};
  std::vector<double> theta(parameters), phi(parameters - 1), beta(parameters), gamma(parameters);
  for (int64_t id = 0; id < settings.stars; ++id) {
    simulator.stellar_parameters(id, theta);
    simulator.phases(id, id, phi);
    simulator.instrument_parameters(static_cast<int32_t>(id), beta, gamma);
    for (size_t k = 0; k < parameters; ++k) {
      draws.theta[k].push_back(theta[k]);
      draws.beta[k].push_back(beta[k]);
      draws.gamma[k].push_back(gamma[k]);
      if (k > 0) {
        draws.phi[k - 1].push_back(phi[k - 1] / (2.0 * std::numbers::pi));
      }
    }
  }
  return draws;
}

void expect_standard_normal(const std::vector<double>& values, double deviation = 1.0) {
  std::vector<double> scaled;
  for (const double value : values) {
    scaled.push_back(value / deviation);
  }
  const double root = std::sqrt(static_cast<double>(scaled.size()));
  EXPECT_NEAR(mean(scaled), 0.0, sigmas / root);
  EXPECT_NEAR(variance(scaled), 1.0, sigmas * std::sqrt(2.0) / root);
  EXPECT_NEAR(moment(scaled, 3), 0.0, sigmas * std::sqrt(15.0) / root);
  EXPECT_NEAR(moment(scaled, 4), 3.0, sigmas * std::sqrt(96.0) / root);
  EXPECT_LT(kolmogorov_smirnov_normal(scaled), improbable);
}

TEST(Laws, ParametersOfStarsAndInstrumentsAreNormal) {
  const config::Simulation settings = square_universe();
  const Draws draws = draw(settings);
  expect_standard_normal(draws.theta[0], settings.period_scatter);
  for (size_t k = 0; k < draws.theta.size(); ++k) {
    SCOPED_TRACE(k);
    expect_standard_normal(draws.beta[k]);
    expect_standard_normal(draws.gamma[k]);
    if (k > 0) {
      expect_standard_normal(draws.theta[k]);
    }
  }
}

TEST(Laws, PhasesAreUniformInOneTurn) {
  for (const std::vector<double>& turns : draw(square_universe()).phi) {
    const double root = std::sqrt(static_cast<double>(turns.size()));
    EXPECT_NEAR(mean(turns), 0.5, sigmas * std::sqrt(1.0 / 12.0) / root);
    EXPECT_NEAR(variance(turns), 1.0 / 12.0, sigmas * std::sqrt(1.0 / 180.0) / root);
    EXPECT_LT(kolmogorov_smirnov_uniform(turns), improbable);
    for (const double turn : turns) {
      ASSERT_GE(turn, 0.0);
      ASSERT_LT(turn, 1.0);
    }
  }
}

TEST(Laws, StreamsAreUncorrelated) {
  const Draws draws = draw(square_universe());
  std::vector<std::vector<double>> columns;
  for (const auto* stream : {&draws.theta, &draws.phi, &draws.beta, &draws.gamma}) {
    columns.insert(columns.end(), stream->begin(), stream->end());
  }
  double sum_of_squares = 0.0;
  double pairs = 0.0;
  for (size_t a = 0; a < columns.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      const double correlation = correlation_in_sigmas(columns[a], columns[b]);
      EXPECT_LT(std::abs(correlation), 4.5) << a << ' ' << b;
      sum_of_squares += correlation * correlation;
      pairs += 1.0;
    }
  }
  EXPECT_NEAR(sum_of_squares, pairs, sigmas * std::sqrt(2.0 * pairs));
}

TEST(Laws, NeighbouringIdsAndSeedsAreUncorrelated) {
  config::Simulation settings = square_universe();
  const Draws draws = draw(settings);
  ++settings.seed;
  const Draws next_seed = draw(settings);
  for (size_t k = 0; k < draws.theta.size(); ++k) {
    const std::vector<double>& column = draws.theta[k];
    const std::span<const double> all(column);
    EXPECT_LT(std::abs(correlation_in_sigmas(all.first(all.size() - 1), all.last(all.size() - 1))), sigmas) << k;
    EXPECT_LT(std::abs(correlation_in_sigmas(column, next_seed.theta[k])), sigmas) << k;
  }
}

TEST(Laws, PeriodScatterScalesThetaZeroAlone) {
  config::Simulation narrow;
  config::Simulation wide;
  wide.period_scatter = 2.0 * narrow.period_scatter;
  std::vector<double> theta(13);
  std::vector<double> wider(13);
  Simulator(narrow).stellar_parameters(7, theta);
  Simulator(wide).stellar_parameters(7, wider);
  EXPECT_EQ(wider[0], 2.0 * theta[0]);
  theta[0] = wider[0];
  EXPECT_EQ(wider, theta);
}

}  // namespace
}  // namespace causalfm::simulation
