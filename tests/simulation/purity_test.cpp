#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "causalfm/simulation/simulator.hpp"

namespace causalfm::simulation {
namespace {

/// Rows do not fill a vector of any instruction set.
config::Simulation odd_universe() {
  config::Simulation settings;
  settings.stars = 60;
  settings.length = 37;
  return settings;
}

std::vector<Observation> all_observations(const Simulator& simulator) {
  std::vector<Observation> observations;
  for (int64_t id = 0; id < simulator.observation_count(); ++id) {
    observations.push_back(simulator.observation(id));
  }
  return observations;
}

std::vector<float> light_curves(const Simulator& simulator, std::span<const Observation> observations) {
  std::vector<float> flux(observations.size() * static_cast<size_t>(simulator.settings().length));
  simulator.light_curves(observations, flux);
  return flux;
}

/// Row i of `flux` is the row of observations[i] in `universe`, bit for bit.
void expect_rows(const std::vector<float>& flux, std::span<const Observation> observations,
                 const std::vector<float>& universe, size_t length) {
  for (size_t row = 0; row < observations.size(); ++row) {
    const auto expected = universe.begin() + observations[row].observation * static_cast<int64_t>(length);
    ASSERT_TRUE(std::equal(expected, expected + static_cast<int64_t>(length),
                           flux.begin() + static_cast<int64_t>(row * length)))
        << "row " << row << " of " << observations.size();
  }
}

class PurityTest : public ::testing::Test {
 protected:
  Simulator simulator_{odd_universe()};
  std::vector<Observation> observations_ = all_observations(simulator_);
  std::vector<float> universe_ = light_curves(simulator_, observations_);
  std::mt19937_64 random_{5};
};

TEST_F(PurityTest, AnyOrder) {
  std::shuffle(observations_.begin(), observations_.end(), random_);
  expect_rows(light_curves(simulator_, observations_), observations_, universe_, 37);
}

TEST_F(PurityTest, AnyBatchSize) {
  for (size_t size = 1; size <= 40; ++size) {
    for (size_t start = 0; start + size <= 200; start += size) {
      const std::span<const Observation> batch(observations_.data() + start, size);
      expect_rows(light_curves(simulator_, batch), batch, universe_, 37);
    }
  }
}

TEST_F(PurityTest, AnySubsetWithRepeats) {
  std::vector<Observation> subset;
  for (int draw = 0; draw < 333; ++draw) {
    subset.push_back(observations_[random_() % observations_.size()]);
  }
  expect_rows(light_curves(simulator_, subset), subset, universe_, 37);
}

TEST_F(PurityTest, AnotherSimulatorOfTheSameSettings) {
  EXPECT_EQ(light_curves(Simulator(odd_universe()), observations_), universe_);
}

TEST_F(PurityTest, SeveralThreadsShareOneSimulator) {
  std::vector<std::vector<float>> results(4);
  std::vector<std::thread> threads;
  for (std::vector<float>& result : results) {
    threads.emplace_back([&] { result = light_curves(simulator_, observations_); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const std::vector<float>& result : results) {
    EXPECT_EQ(result, universe_);
  }
}

TEST_F(PurityTest, MoreStarsKeepThoseThatWereThere) {
  config::Simulation larger = odd_universe();
  larger.stars = 100;
  EXPECT_EQ(light_curves(Simulator(larger), observations_), universe_);
}

TEST_F(PurityTest, AnotherSeedIsAnotherUniverse) {
  config::Simulation other = odd_universe();
  other.seed = 2;
  const std::vector<float> flux = light_curves(Simulator(other), observations_);
  EXPECT_NE(std::vector<float>(flux.begin(), flux.begin() + 37),
            std::vector<float>(universe_.begin(), universe_.begin() + 37));
}

TEST_F(PurityTest, NoiseDoesNotChangeWithTheLength) {
  config::Simulation constant = odd_universe();
  constant.stellar_parameters = 1;
  constant.instrument_terms = 1;
  config::Simulation longer = constant;
  longer.length = 500;
  const std::span<const Observation> one(observations_.data() + 9, 1);
  std::vector<float> prefix = light_curves(Simulator(longer), one);
  prefix.resize(37);
  EXPECT_EQ(prefix, light_curves(Simulator(constant), one));
}

}  // namespace
}  // namespace causalfm::simulation
