#include "evaluation/label_efficiency.hpp"

#include "causalfm/evaluation/error.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace causalfm::evaluation {
namespace {

const std::vector<int64_t> counts{10, 100, 1000};

at::Tensor curve(double first, double second, double third) { return at::tensor({first, second, third}, at::kDouble); }

TEST(FirstCrossing, InterpolatesInTheLogarithmOfTheCount) {
  const Crossing halfway = first_crossing(counts, {0.2, 0.4, 0.8}, 0.6);
  EXPECT_NEAR(halfway.labels, std::sqrt(1e5), 1e-9);
  EXPECT_FALSE(halfway.censored || halfway.at_smallest);
  EXPECT_NEAR(first_crossing(counts, {0.2, 0.4, 0.8}, 0.4).labels, 100.0, 1e-9);
}

TEST(FirstCrossing, IsTheFirstOfSeveral) { EXPECT_LT(first_crossing(counts, {0.1, 0.7, 0.3}, 0.5).labels, 100.0); }

TEST(FirstCrossing, SaysWhenItLiesOutside) {
  const Crossing never = first_crossing(counts, {0.1, 0.2, 0.3}, 0.5);
  EXPECT_TRUE(never.censored);
  EXPECT_EQ(never.labels, 1000.0);
  const Crossing at_once = first_crossing(counts, {0.6, 0.7, 0.8}, 0.5);
  EXPECT_TRUE(at_once.at_smallest);
  EXPECT_EQ(at_once.labels, 10.0);
  EXPECT_TRUE(first_crossing(counts, {0.1, 0.2, 0.3}, std::nan("")).censored);
}

TEST(LabelEfficiency, IsOneAgainstItself) {
  const at::Tensor scores = curve(0.2, 0.4, 0.8);
  const at::Tensor resampled = scores.unsqueeze(1) + at::arange(50).to(at::kDouble) * 0.001;
  for (const LabelEfficiency& row : label_efficiency(counts, scores, scores, resampled, resampled)) {
    EXPECT_NEAR(row.ratio, 1.0, 1e-12) << row.count;
    EXPECT_NEAR(row.interval.low, 1.0, 1e-12) << row.count;
    EXPECT_NEAR(row.interval.high, 1.0, 1e-12) << row.count;
    EXPECT_FALSE(row.censored);
  }
}

TEST(LabelEfficiency, IsTheBaselinesLabelsOverOurs) {
  const at::Tensor ours = curve(0.4, 0.6, 0.9);
  const at::Tensor baseline = curve(0.2, 0.4, 0.8);
  const at::Tensor samples = at::zeros({1, 40}, at::kDouble);
  const std::vector<LabelEfficiency> rows =
      label_efficiency(counts, ours, baseline, ours.unsqueeze(1) + samples, baseline.unsqueeze(1) + samples);
  EXPECT_NEAR(rows[0].ratio, 10.0, 1e-9);
  EXPECT_NEAR(rows[1].ratio, std::sqrt(1e5) / 100.0, 1e-9);
  EXPECT_TRUE(rows[2].censored);
  EXPECT_EQ(rows[2].ratio, 1.0);
  EXPECT_EQ(rows[2].count, 1000);
}

TEST(LabelEfficiency, IntervalComparesBothInTheSameSample) {
  const at::Tensor ours = curve(0.4, 0.6, 0.7);
  const at::Tensor baseline = curve(0.2, 0.4, 0.8);
  // Samples in which everything is harder or easier alike do not move the ratio.
  const at::Tensor shift = at::arange(40).to(at::kDouble) * 0.01;
  const std::vector<LabelEfficiency> rows =
      label_efficiency(counts, ours, baseline, ours.unsqueeze(1) + shift, baseline.unsqueeze(1) + shift);
  EXPECT_NEAR(rows[1].interval.low, rows[1].ratio, 1e-9);
  EXPECT_NEAR(rows[1].interval.high, rows[1].ratio, 1e-9);
  const std::vector<LabelEfficiency> scattered =
      label_efficiency(counts, ours, baseline, ours.unsqueeze(1) + shift - 0.2, baseline.unsqueeze(1) + 0.0 * shift);
  EXPECT_LT(scattered[1].interval.low, scattered[1].ratio);
  EXPECT_GT(scattered[1].interval.high, scattered[1].ratio);
}

TEST(LabelEfficiency, SaysWhenTheBaselineIsThereAtOnce) {
  const at::Tensor samples = at::zeros({1, 40}, at::kDouble);
  const at::Tensor ours = curve(0.1, 0.2, 0.3);
  const at::Tensor baseline = curve(0.5, 0.6, 0.7);
  const std::vector<LabelEfficiency> rows =
      label_efficiency(counts, ours, baseline, ours.unsqueeze(1) + samples, baseline.unsqueeze(1) + samples);
  EXPECT_TRUE(rows[1].at_smallest);
  EXPECT_DOUBLE_EQ(rows[1].ratio, 0.1);
}

TEST(LabelEfficiency, OfOtherCountsIsRefused) {
  const at::Tensor scores = curve(0.1, 0.2, 0.3);
  EXPECT_THROW(label_efficiency({10, 100}, scores, scores, scores.unsqueeze(1), scores.unsqueeze(1)), EvaluationError);
}

}  // namespace
}  // namespace causalfm::evaluation
