#include "simulation/assignment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "causalfm/simulation/simulator.hpp"

namespace causalfm::simulation {
namespace {

config::Simulation settings_for(config::Assignment assignment, int64_t instruments, int64_t curves) {
  config::Simulation settings;
  settings.assignment = assignment;
  settings.instruments = instruments;
  settings.curves_per_star = curves;
  return settings;
}

std::map<int32_t, int64_t> count_each(const std::vector<int32_t>& instruments) {
  std::map<int32_t, int64_t> counts;
  for (const int32_t instrument : instruments) {
    ++counts[instrument];
  }
  return counts;
}

/// Every instrument floor(curves / distinct) times, no instrument more than once beyond that.
void expect_balanced(const std::vector<int32_t>& assigned, int64_t distinct) {
  const auto curves = static_cast<int64_t>(assigned.size());
  const std::map<int32_t, int64_t> counts = count_each(assigned);
  int64_t beyond = 0;
  for (const auto& [instrument, count] : counts) {
    EXPECT_GE(count, curves / distinct);
    EXPECT_LE(count, curves / distinct + 1);
    beyond += count - curves / distinct;
  }
  EXPECT_EQ(beyond, curves % distinct);
  EXPECT_EQ(static_cast<int64_t>(counts.size()), curves < distinct ? curves : distinct);
}

TEST(Assignment, BalancedUsesEveryInstrumentEquallyAndDrawsTheRestWithoutRepeats) {
  for (const auto& [instruments, curves] :
       std::vector<std::pair<int64_t, int64_t>>{{17, 20}, {20, 20}, {17, 5}, {3, 20}, {1, 4}, {6, 1}}) {
    for (int64_t star = 0; star < 200; ++star) {
      const auto settings = settings_for(config::Assignment::balanced, instruments, curves);
      expect_balanced(assign_instruments(settings, star), instruments);
    }
  }
}

TEST(Assignment, BalancedOrderAndExtrasAreUniform) {
  const auto settings = settings_for(config::Assignment::balanced, 17, 20);
  constexpr int64_t stars = 20000;
  std::vector<std::vector<int64_t>> at_position(20, std::vector<int64_t>(17));
  for (int64_t star = 0; star < stars; ++star) {
    const std::vector<int32_t> assigned = assign_instruments(settings, star);
    for (size_t position = 0; position < 20; ++position) {
      ++at_position[position][static_cast<size_t>(assigned[position])];
    }
  }
  const double expected = static_cast<double>(stars) / 17.0;
  double chi_squared = 0.0;
  for (const auto& counts : at_position) {
    for (const int64_t count : counts) {
      chi_squared += std::pow(static_cast<double>(count) - expected, 2) / expected;
    }
  }
  constexpr double freedom = 20 * 16;
  EXPECT_NEAR(chi_squared, freedom, 4.0 * std::sqrt(2.0 * freedom));
}

TEST(Assignment, UniformDrawsAreIndependent) {
  const auto settings = settings_for(config::Assignment::uniform, 17, 20);
  std::vector<double> counts(17);
  int64_t equal_neighbours = 0;
  constexpr int64_t stars = 5000;
  for (int64_t star = 0; star < stars; ++star) {
    const std::vector<int32_t> assigned = assign_instruments(settings, star);
    for (size_t position = 0; position < 20; ++position) {
      counts[static_cast<size_t>(assigned[position])] += 1.0;
      equal_neighbours += position > 0 && assigned[position] == assigned[position - 1] ? 1 : 0;
    }
  }
  for (const double count : counts) {
    EXPECT_NEAR(count, stars * 20 / 17.0, 4.0 * std::sqrt(stars * 20 / 17.0));
  }
  EXPECT_NEAR(static_cast<double>(equal_neighbours), stars * 19 / 17.0, 4.0 * std::sqrt(stars * 19 / 17.0));
}

TEST(Assignment, SparseStarsSeeTwoToSixInstruments) {
  const auto settings = settings_for(config::Assignment::sparse, 17, 20);
  std::map<size_t, double> stars_with;
  std::vector<double> stars_of(17);
  constexpr int64_t stars = 10000;
  for (int64_t star = 0; star < stars; ++star) {
    const std::vector<int32_t> assigned = assign_instruments(settings, star);
    const std::set<int32_t> seen(assigned.begin(), assigned.end());
    expect_balanced(assigned, static_cast<int64_t>(seen.size()));
    stars_with[seen.size()] += 1.0;
    for (const int32_t instrument : seen) {
      stars_of[static_cast<size_t>(instrument)] += 1.0;
    }
  }
  ASSERT_EQ(stars_with.size(), 5U);
  EXPECT_EQ(stars_with.begin()->first, 2U);
  for (const auto& [number, count] : stars_with) {
    EXPECT_NEAR(count, stars / 5.0, 4.0 * std::sqrt(stars / 5.0)) << number;
  }
  for (const double count : stars_of) {
    EXPECT_NEAR(count, stars * 4 / 17.0, 4.0 * std::sqrt(stars * 4 / 17.0));
  }
}

TEST(Assignment, SparseNeverUsesMoreThanThereIs) {
  for (int64_t star = 0; star < 100; ++star) {
    const auto three = assign_instruments(settings_for(config::Assignment::sparse, 3, 20), star);
    EXPECT_LE(count_each(three).size(), 3U);
    EXPECT_GE(count_each(three).size(), 2U);
    EXPECT_EQ(count_each(assign_instruments(settings_for(config::Assignment::sparse, 17, 2), star)).size(), 2U);
    EXPECT_EQ(count_each(assign_instruments(settings_for(config::Assignment::sparse, 1, 20), star)).size(), 1U);
  }
}

TEST(Assignment, SeedsAndStarsDiffer) {
  auto settings = settings_for(config::Assignment::balanced, 17, 20);
  std::set<std::vector<int32_t>> distinct;
  for (settings.seed = 0; settings.seed < 20; ++settings.seed) {
    for (int64_t star = 0; star < 100; ++star) {
      distinct.insert(assign_instruments(settings, star));
    }
  }
  EXPECT_EQ(distinct.size(), 2000U);
}

TEST(Assignment, ObservationsOfTheSimulatorFollowIt) {
  for (const auto assignment :
       {config::Assignment::balanced, config::Assignment::uniform, config::Assignment::sparse}) {
    const Simulator simulator(settings_for(assignment, 17, 20));
    EXPECT_EQ(simulator.observation_count(), 40000);
    for (int64_t star = 0; star < 2000; star += 111) {
      const std::vector<int32_t> instruments = simulator.instruments_of_star(star);
      ASSERT_EQ(instruments.size(), 20U);
      for (int64_t n = 0; n < 20; ++n) {
        const Observation expected{star, instruments[static_cast<size_t>(n)], star * 20 + n};
        EXPECT_EQ(simulator.observation(star * 20 + n), expected);
      }
    }
  }
}

}  // namespace
}  // namespace causalfm::simulation
