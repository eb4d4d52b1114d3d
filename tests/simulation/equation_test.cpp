#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "causalfm/simulation/simulator.hpp"
#include "simulation/reference.hpp"

namespace causalfm::simulation {
namespace {

config::Simulation random_settings(std::mt19937_64& random) {
  const auto integer = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  const auto real = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); };
  config::Simulation settings;
  settings.seed = integer(0, 1'000'000);
  settings.stars = integer(1, 50);
  settings.instruments = integer(1, 20);
  settings.curves_per_star = integer(1, 25);
  settings.stellar_parameters = integer(2, 50);
  settings.instrument_terms = integer(1, 50);
  settings.length = integer(0, 4) == 0 ? integer(1000, 5000) : integer(2, 300);
  settings.alpha = real(0.0, 3.0);
  settings.lambda = real(0.2, 1.0);
  settings.period_scatter = real(0.0, 0.5);
  settings.phases = integer(0, 1) == 0 ? config::Phases::star : config::Phases::observation;
  settings.noise = real(0.0, 0.2);
  return settings;
}

Observation random_observation(const config::Simulation& settings, std::mt19937_64& random) {
  const auto below = [&](int64_t bound) { return std::uniform_int_distribution<int64_t>(0, bound - 1)(random); };
  return {below(settings.stars), static_cast<int32_t>(below(settings.instruments)),
          below(settings.stars * settings.curves_per_star)};
}

/// Largest possible |F_true|, which the relative errors refer to.
double amplitudes(const config::Simulation& settings, const reference::Truth& truth) {
  double sum = 1.0;
  for (size_t k = 1; k < truth.theta.size(); ++k) {
    sum += std::abs(truth.theta[k]) * std::pow(k, -settings.alpha);
  }
  return sum;
}

reference::Truth published_truth(const Simulator& simulator, const Observation& observation) {
  const config::Simulation& settings = simulator.settings();
  reference::Truth truth;
  truth.theta.resize(static_cast<size_t>(settings.stellar_parameters));
  truth.phi.resize(static_cast<size_t>(settings.stellar_parameters - 1));
  truth.beta.resize(static_cast<size_t>(settings.instrument_terms));
  truth.gamma.resize(static_cast<size_t>(settings.instrument_terms));
  simulator.stellar_parameters(observation.star, truth.theta);
  simulator.phases(observation.star, observation.observation, truth.phi);
  simulator.instrument_parameters(observation.instrument, truth.beta, truth.gamma);
  return truth;
}

TEST(Equation, NoiselessCurvesAreThoseOfThePublishedTruth) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    const config::Simulation settings = random_settings(random);
    const Simulator simulator(settings);
    const Observation observation = random_observation(settings, random);
    const reference::Truth truth = published_truth(simulator, observation);
    const std::vector<double> direct = reference::clean_curve(settings, truth);
    std::vector<double> curve(static_cast<size_t>(settings.length));
    simulator.noiseless(std::span(&observation, 1), curve);
    for (size_t t = 0; t < curve.size(); ++t) {
      ASSERT_NEAR(curve[t], direct[t], 1e-12 * amplitudes(settings, truth)) << "trial " << trial << ", t " << t;
    }
  }
}

TEST(Equation, PublishedTruthIsDrawnFromTheStreams) {
  std::mt19937_64 random(2);
  for (int trial = 0; trial < 200; ++trial) {
    const config::Simulation settings = random_settings(random);
    const Simulator simulator(settings);
    const Observation observation = random_observation(settings, random);
    const reference::Truth published = published_truth(simulator, observation);
    const reference::Truth drawn =
        reference::draw_truth(settings, observation.star, observation.instrument, observation.observation);
    for (const auto member :
         {&reference::Truth::theta, &reference::Truth::phi, &reference::Truth::beta, &reference::Truth::gamma}) {
      const std::vector<double>& expected = drawn.*member;
      ASSERT_EQ((published.*member).size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR((published.*member)[i], expected[i], 4e-15);
      }
    }
  }
}

TEST(Equation, LightCurveIsTheNoiselessOnePlusItsNoiseRoundedOnce) {
  std::mt19937_64 random(3);
  for (int trial = 0; trial < 100; ++trial) {
    const config::Simulation settings = random_settings(random);
    const Simulator simulator(settings);
    const Observation observation = random_observation(settings, random);
    std::vector<double> clean(static_cast<size_t>(settings.length));
    std::vector<float> flux(clean.size());
    simulator.noiseless(std::span(&observation, 1), clean);
    simulator.light_curves(std::span(&observation, 1), flux);
    const PhiloxKey key = philox_key(static_cast<uint64_t>(settings.seed), RandomStream::noise);
    for (size_t t = 0; t < clean.size(); ++t) {
      const double noise = settings.noise * reference::normal(key, static_cast<uint64_t>(observation.observation),
                                                              static_cast<int64_t>(t));
      const double half_a_unit = 0.5 * (std::nextafter(std::abs(flux[t]), 10.0F) - std::abs(flux[t]));
      ASSERT_NEAR(flux[t], clean[t] + noise, half_a_unit + 1e-14) << "trial " << trial << ", t " << t;
    }
  }
}

TEST(Equation, NoiselessCurvesAreClipped) {
  const Simulator simulator{config::Simulation{}};
  std::vector<Observation> observations;
  for (int64_t id = 0; id < 400; ++id) {
    observations.push_back(simulator.observation(id));
  }
  std::vector<double> clean(observations.size() * 100);
  simulator.noiseless(observations, clean);
  EXPECT_EQ(*std::max_element(clean.begin(), clean.end()), 1.0);
  EXPECT_EQ(*std::min_element(clean.begin(), clean.end()), -1.0);
  const auto clipped = std::count_if(clean.begin(), clean.end(), [](double flux) { return std::abs(flux) == 1.0; });
  EXPECT_NEAR(static_cast<double>(clipped) / static_cast<double>(clean.size()), 0.25, 0.05);
}

TEST(Equation, PhasesBelongToTheObservationOrToTheStar) {
  config::Simulation settings;
  std::vector<double> first(12);
  std::vector<double> second(12);
  const auto draw = [&] {
    const Simulator simulator(settings);
    simulator.phases(4, 80, first);
    simulator.phases(4, 81, second);
  };
  draw();
  EXPECT_NE(first, second);
  settings.phases = config::Phases::star;
  draw();
  EXPECT_EQ(first, second);
  Simulator(settings).phases(5, 81, second);
  EXPECT_NE(first, second);
}

TEST(Equation, AbsurdPeriodsStayFinite) {
  config::Simulation settings;
  settings.period_scatter = 10.0;
  for (const double lambda : {1e-12, 1e-3, 1000.0}) {
    settings.lambda = lambda;
    const Simulator simulator(settings);
    for (int64_t id = 0; id < 40000; id += 37) {
      const Observation observation = simulator.observation(id);
      std::vector<double> clean(100);
      simulator.noiseless(std::span(&observation, 1), clean);
      for (const double value : clean) {
        ASSERT_LE(std::abs(value), 1.0);
      }
    }
  }
}

}  // namespace
}  // namespace causalfm::simulation
