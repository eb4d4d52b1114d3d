#include "causalfm/simulation/simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "causalfm/simulation/error.hpp"

namespace causalfm::simulation {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Simulator, RefusesWhatIsNotInTheUniverse) {
  const Simulator simulator{config::Simulation{}};
  std::vector<float> flux(100);
  std::vector<double> numbers(13);
  std::vector<double> terms(17);
  const auto simulate = [&](Observation observation) { simulator.light_curves(std::span(&observation, 1), flux); };
  EXPECT_THAT([&] { simulator.observation(40000); }, ThrowsMessage<SimulationError>(HasSubstr("observation 40000")));
  EXPECT_THAT([&] { simulator.observation(-1); }, ThrowsMessage<SimulationError>(HasSubstr("observation -1")));
  EXPECT_THAT([&] { simulator.instruments_of_star(2000); }, ThrowsMessage<SimulationError>(HasSubstr("star 2000")));
  EXPECT_THAT([&] { simulate({2000, 0, 0}); }, ThrowsMessage<SimulationError>(HasSubstr("star 2000")));
  EXPECT_THAT([&] { simulate({0, 17, 0}); }, ThrowsMessage<SimulationError>(HasSubstr("instrument 17")));
  EXPECT_THAT([&] { simulate({0, -1, 0}); }, ThrowsMessage<SimulationError>(HasSubstr("instrument -1")));
  EXPECT_THAT([&] { simulate({0, 0, 40000}); }, ThrowsMessage<SimulationError>(HasSubstr("observation 40000")));
  EXPECT_THAT([&] { simulator.stellar_parameters(-1, numbers); }, ThrowsMessage<SimulationError>(HasSubstr("star -1")));
  EXPECT_THAT([&] { simulator.phases(0, 40000, std::span(numbers).first(12)); },
              ThrowsMessage<SimulationError>(HasSubstr("observation 40000")));
  EXPECT_THAT([&] { simulator.instrument_parameters(17, terms, terms); },
              ThrowsMessage<SimulationError>(HasSubstr("instrument 17")));
}

TEST(Simulator, RefusesBuffersOfAnotherSize) {
  const Simulator simulator{config::Simulation{}};
  const Observation observation{0, 0, 0};
  std::vector<float> flux(101);
  std::vector<double> numbers(14);
  EXPECT_THAT([&] { simulator.light_curves(std::span(&observation, 1), flux); },
              ThrowsMessage<SimulationError>(HasSubstr("flux holds 101 numbers; pass 100")));
  EXPECT_THAT([&] { simulator.noiseless(std::span(&observation, 1), numbers); },
              ThrowsMessage<SimulationError>(HasSubstr("flux holds 14 numbers; pass 100")));
  EXPECT_THAT([&] { simulator.stellar_parameters(0, numbers); },
              ThrowsMessage<SimulationError>(HasSubstr("theta holds 14 numbers; pass 13")));
  EXPECT_THAT([&] { simulator.phases(0, 0, numbers); },
              ThrowsMessage<SimulationError>(HasSubstr("phi holds 14 numbers; pass 12")));
  EXPECT_THAT([&] { simulator.instrument_parameters(0, numbers, numbers); },
              ThrowsMessage<SimulationError>(HasSubstr("beta holds 14 numbers; pass 17")));
}

TEST(Simulator, RefusesSettingsThatDescribeNoUniverse) {
  using Change = std::function<void(config::Simulation&)>;
  const std::vector<std::pair<std::string, Change>> changes = {
      {"stars", [](auto& settings) { settings.stars = 0; }},
      {"stars", [](auto& settings) { settings.stars = std::numeric_limits<int64_t>::max() / 2; }},
      {"instruments", [](auto& settings) { settings.instruments = 0; }},
      {"instruments", [](auto& settings) { settings.instruments = int64_t{1} << 31; }},
      {"curves_per_star", [](auto& settings) { settings.curves_per_star = -1; }},
      {"stellar_parameters", [](auto& settings) { settings.stellar_parameters = 0; }},
      {"instrument_terms", [](auto& settings) { settings.instrument_terms = 0; }},
      {"length", [](auto& settings) { settings.length = 0; }},
      {"alpha", [](auto& settings) { settings.alpha = std::numeric_limits<double>::quiet_NaN(); }},
      {"lambda", [](auto& settings) { settings.lambda = 0.0; }},
      {"lambda", [](auto& settings) { settings.lambda = std::numeric_limits<double>::infinity(); }},
      {"period_scatter", [](auto& settings) { settings.period_scatter = -0.1; }},
      {"noise", [](auto& settings) { settings.noise = -0.1; }},
  };
  for (const auto& [name, change] : changes) {
    config::Simulation settings;
    change(settings);
    EXPECT_THAT([&] { Simulator{settings}; }, ThrowsMessage<SimulationError>(HasSubstr("simulation." + name)));
  }
}

TEST(Simulator, SmallestUniverse) {
  config::Simulation settings;
  settings.stars = settings.instruments = settings.curves_per_star = 1;
  settings.stellar_parameters = settings.instrument_terms = settings.length = 1;
  const Simulator simulator(settings);
  const Observation observation = simulator.observation(0);
  std::vector<double> clean(1);
  std::vector<double> beta(1);
  std::vector<double> gamma(1);
  simulator.noiseless(std::span(&observation, 1), clean);
  simulator.instrument_parameters(0, beta, gamma);
  simulator.phases(0, 0, {});
  EXPECT_DOUBLE_EQ(clean[0], 0.05 * gamma[0]);
  simulator.light_curves({}, {});
}

TEST(Simulator, SwappedInstrumentSharesPhasesAndNoise) {
  const Simulator simulator{config::Simulation{}};
  const Observation observation = simulator.observation(123);
  const auto other = static_cast<int32_t>((observation.instrument + 1) % 17);
  const std::vector<Observation> pair = {observation, {observation.star, other, observation.observation}};
  std::vector<double> clean(200);
  std::vector<float> flux(200);
  simulator.noiseless(pair, clean);
  simulator.light_curves(pair, flux);
  EXPECT_NE(clean[0], clean[100]);
  for (size_t t = 0; t < 100; ++t) {
    EXPECT_NEAR(flux[t] - clean[t], flux[100 + t] - clean[100 + t], 2e-7);
  }
}

}  // namespace
}  // namespace causalfm::simulation
