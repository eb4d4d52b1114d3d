#include "causalfm/sweep/rungs.hpp"

#include "causalfm/sweep/error.hpp"

#include <gtest/gtest.h>

namespace causalfm::sweep {
namespace {

Description halving(int64_t settings, int64_t steps, int64_t validate_every, int64_t reduction = 3) {
  Description description;
  description.method = Method::successive_halving;
  description.settings = settings;
  description.reduction = reduction;
  description.base.train.steps = steps;
  description.base.train.validate_every = validate_every;
  return description;
}

std::vector<std::pair<int64_t, int64_t>> rungs(const Description& description) {
  std::vector<std::pair<int64_t, int64_t>> all;
  for (const Rung& rung : rungs_of(description)) all.emplace_back(rung.settings, rung.steps);
  return all;
}

using Rungs = std::vector<std::pair<int64_t, int64_t>>;

TEST(Rungs, EachHasAThirdOfTheSettingsForThreeTimesTheSteps) {
  EXPECT_EQ(rungs(halving(9, 900, 100)), (Rungs{{9, 100}, {3, 300}, {1, 900}}));
  EXPECT_EQ(rungs(halving(10, 900, 100)), (Rungs{{10, 100}, {3, 300}, {1, 900}}));
  EXPECT_EQ(rungs(halving(8, 64, 1, 2)), (Rungs{{8, 8}, {4, 16}, {2, 32}, {1, 64}}));
}

TEST(Rungs, EndAtAValidation) {
  EXPECT_EQ(rungs(halving(9, 1000, 200)), (Rungs{{9, 200}, {3, 400}, {1, 1000}}));
  EXPECT_EQ(rungs(halving(9, 20, 10)), (Rungs{{9, 10}, {1, 20}}));
}

TEST(Rungs, OthersHaveOne) {
  Description description = halving(9, 900, 100);
  description.method = Method::random;
  EXPECT_EQ(rungs(description), (Rungs{{9, 0}}));
}

TEST(Rungs, WhatCannotBeHalvedIsRefused) {
  EXPECT_NO_THROW(require_rungs(halving(3, 900, 100), "sweep"));
  EXPECT_THROW(require_rungs(halving(2, 900, 100), "sweep"), SweepError);
  EXPECT_THROW(require_rungs(halving(9, 100, 100), "sweep"), SweepError);
}

}  // namespace
}  // namespace causalfm::sweep
