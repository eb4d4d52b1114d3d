#include "evaluation/bootstrap.hpp"

#include "causalfm/evaluation/error.hpp"
#include "evaluation/metrics.hpp"
#include "evaluation/random_table.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace causalfm::evaluation {
namespace {

TEST(Bootstrap, DrawsAsManyStarsAsThereAreWithReplacement) {
  const at::Tensor weights = bootstrap_weights(200, 1000, 1);
  EXPECT_TRUE(weights.sum(1).eq(200.0).all().item<bool>());
  // Binomial(200, 1/200): mean 1, variance 1 - 1/200.
  EXPECT_NEAR(weights.var().item<double>(), 0.995, 0.02);
  EXPECT_LT((weights.mean(0) - 1.0).abs().max().item<double>(), 4.5 / std::sqrt(1000.0));
  EXPECT_TRUE(weights.equal(bootstrap_weights(200, 1000, 1)));
  EXPECT_FALSE(weights.equal(bootstrap_weights(200, 1000, 2)));
}

TEST(Bootstrap, R2IsThatOfTheStarsWrittenOut) {
  const at::Tensor truth = random_table(30, 1, 1).value;
  const at::Tensor predicted = at::stack({truth * 0.8 + 1.0, random_table(30, 1, 2).value});
  const at::Tensor weights = bootstrap_weights(30, 20, 3);
  const at::Tensor scores = bootstrap_r2(truth, predicted, weights);
  for (int64_t sample = 0; sample < 20; ++sample) {
    const at::Tensor stars = at::arange(30).repeat_interleave(weights[sample].to(at::kLong));
    const at::Tensor sampled = truth.index_select(0, stars);
    const double expected =
        (r2(sampled, predicted[0].index_select(0, stars)) + r2(sampled, predicted[1].index_select(0, stars))) / 2.0;
    EXPECT_NEAR(scores[sample].item<double>(), expected, 1e-12);
  }
}

TEST(Bootstrap, BalancedAccuracyIsThatOfTheStarsWrittenOut) {
  const at::Tensor truth = random_table(30, 1, 1).instrument;
  const at::Tensor predicted = at::stack({truth, random_table(30, 1, 2).instrument});
  const at::Tensor weights = bootstrap_weights(30, 20, 3);
  const at::Tensor scores = bootstrap_balanced_accuracy(truth, predicted, weights);
  for (int64_t sample = 0; sample < 20; ++sample) {
    const at::Tensor stars = at::arange(30).repeat_interleave(weights[sample].to(at::kLong));
    const double expected =
        (1.0 + balanced_accuracy(truth.index_select(0, stars), predicted[1].index_select(0, stars))) / 2.0;
    EXPECT_NEAR(scores[sample].item<double>(), expected, 1e-12);
  }
}

TEST(Bootstrap, R2OfAConstantSampleIsNan) {
  const at::Tensor truth = at::tensor({0.1, 0.1, 0.7}, at::kDouble);
  const at::Tensor weights = at::tensor({1.0, 2.0, 0.0, 1.0, 1.0, 1.0}, at::kDouble).view({2, 3});
  const at::Tensor scores = bootstrap_r2(truth, truth.unsqueeze(0), weights);
  EXPECT_TRUE(std::isnan(scores[0].item<double>()));
  EXPECT_EQ(scores[1].item<double>(), 1.0);
}

TEST(Bootstrap, IntervalEndsAreInterpolatedPercentiles) {
  const Interval interval = percentile_interval(at::arange(101).to(at::kDouble).flip(0) * 2.0);
  EXPECT_DOUBLE_EQ(interval.low, 5.0);
  EXPECT_DOUBLE_EQ(interval.high, 195.0);
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(percentile_interval(at::tensor({1.0, infinity, infinity}, at::kDouble)).high, infinity);
  EXPECT_TRUE(std::isnan(percentile_interval(at::tensor({1.0, std::nan("")}, at::kDouble)).low));
}

TEST(Bootstrap, IntervalOfAMeanCoversItAsOftenAsItSays) {
  // R2 has no closed interval, but that of many tables must scatter about one truth: R2 of t plus noise is near 1 -
  // s^2.
  int covered = 0;
  for (uint64_t table = 0; table < 100; ++table) {
    const at::Tensor normal = random_table(200, 1, 100 + table).features.to(at::kDouble);
    const at::Tensor predicted = normal.select(1, 7) + 0.5 * normal.select(1, 8);
    const Interval interval = percentile_interval(
        bootstrap_r2(normal.select(1, 7), predicted.unsqueeze(0), bootstrap_weights(200, 300, table)));
    covered += interval.low < 0.75 && 0.75 < interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, 86);
  EXPECT_LT(covered, 100);
}

TEST(Bootstrap, OfAnotherNumberOfStarsIsRefused) {
  EXPECT_THROW(bootstrap_r2(at::ones({3}, at::kDouble), at::ones({2, 4}, at::kDouble), at::ones({5, 3}, at::kDouble)),
               EvaluationError);
}

}  // namespace
}  // namespace causalfm::evaluation
