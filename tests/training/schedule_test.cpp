#include "causalfm/training/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace causalfm::training {
namespace {

TEST(Schedule, ConstantWithoutWarmup) {
  config::Train settings;
  for (const int64_t step : {0, 1, 9999}) EXPECT_DOUBLE_EQ(learning_rate_at(step, settings), 1e-3);
}

TEST(Schedule, WarmupRisesLinearlyToTheFullRate) {
  config::Train settings;
  settings.warmup_steps = 4;
  EXPECT_DOUBLE_EQ(learning_rate_at(0, settings), 0.25e-3);
  EXPECT_DOUBLE_EQ(learning_rate_at(3, settings), 1e-3);
  EXPECT_DOUBLE_EQ(learning_rate_at(4, settings), 1e-3);
}

TEST(Schedule, CosineFallsToZeroAtTheEnd) {
  config::Train settings;
  settings.schedule = config::Schedule::cosine;
  settings.warmup_steps = 10;
  settings.steps = 110;
  EXPECT_DOUBLE_EQ(learning_rate_at(10, settings), 1e-3);
  EXPECT_NEAR(learning_rate_at(60, settings), 0.5e-3, 1e-15);
  EXPECT_NEAR(learning_rate_at(35, settings), 0.5e-3 * (1 + std::cos(std::numbers::pi / 4)), 1e-15);
  EXPECT_NEAR(learning_rate_at(110, settings), 0.0, 1e-15);
  for (int64_t step = 10; step < 109; ++step) {
    EXPECT_GT(learning_rate_at(step, settings), learning_rate_at(step + 1, settings));
  }
}

}  // namespace
}  // namespace causalfm::training
