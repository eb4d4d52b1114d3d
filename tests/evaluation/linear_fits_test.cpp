#include "evaluation/linear_fits.hpp"

#include "causalfm/evaluation/error.hpp"
#include "evaluation/limited_memory_bfgs.hpp"
#include "evaluation/metrics.hpp"
#include "evaluation/random_table.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace causalfm::evaluation {
namespace {

TEST(LimitedMemoryBfgs, FindsTheMinimumOfRosenbrocksValley) {
  const auto valley = [](const at::Tensor& point) -> ValueAndGradient {
    const double x = point[0].item<double>();
    const double y = point[1].item<double>();
    const double across = y - x * x;
    return {(1.0 - x) * (1.0 - x) + 100.0 * across * across,
            at::tensor({-2.0 * (1.0 - x) - 400.0 * x * across, 200.0 * across}, at::kDouble)};
  };
  const at::Tensor found = minimise(valley, at::tensor({-1.2, 1.0}, at::kDouble), 1e-8, 200);
  EXPECT_TRUE(found.allclose(at::ones({2}, at::kDouble), 1e-6, 1e-6)) << found;
}

TEST(Ridge, RecoversALineWhateverTheUnits) {
  const at::Tensor features = random_table(50, 2, 1).features.to(at::kDouble);
  const at::Tensor weights = at::arange(10).to(at::kDouble);
  const at::Tensor target = features.mv(weights) + 3.0;
  EXPECT_TRUE(fit_ridge(features, target, features, 1e-9).allclose(target));
  const at::Tensor other_unit = features * at::pow(10.0, weights - 5.0);
  EXPECT_TRUE(fit_ridge(other_unit, target, other_unit).allclose(fit_ridge(features, target, features)));
}

TEST(Ridge, StandsColumnsThatAreConstantOrEqual) {
  at::Tensor features = random_table(50, 2, 1).features;
  features.select(1, 0).fill_(0.3F);
  features.select(1, 1).copy_(features.select(1, 2));
  const at::Tensor target = features.select(1, 2).to(at::kDouble);
  EXPECT_GT(r2(target, fit_ridge(features, target, features)), 0.99);
}

TEST(Logistic, OfPermutedLabelsFindsNothing) {
  const RandomTable table = random_table(2000, 1, 2);
  const at::Tensor shown = table.features.narrow(0, 0, 1000);
  const at::Tensor asked = table.features.narrow(0, 1000, 1000);
  const at::Tensor truth = table.instrument.narrow(0, 1000, 1000);
  const at::Tensor found = fit_logistic(shown, table.instrument.narrow(0, 0, 1000), 4, asked).argmax(1);
  EXPECT_GT(balanced_accuracy(truth, found), 0.65);
  const at::Tensor permuted = table.instrument.narrow(0, 500, 1000);
  EXPECT_NEAR(balanced_accuracy(truth, fit_logistic(shown, permuted, 4, asked).argmax(1)), 0.25, 0.06);
}

TEST(Logistic, GivesProbabilitiesAlsoToClassesItNeverSaw) {
  const RandomTable table = random_table(100, 1, 2);
  const at::Tensor probabilities = fit_logistic(table.features, table.instrument, 6, table.features);
  EXPECT_TRUE(probabilities.sum(1).allclose(at::ones({100}, at::kDouble)));
  EXPECT_LT(probabilities.narrow(1, 4, 2).max().item<double>(), 0.02);
}

TEST(LinearFits, RefuseWhatCannotBeFitted) {
  RandomTable table = random_table(20, 1, 2);
  EXPECT_THROW(fit_logistic(table.features, table.instrument, 3, table.features), EvaluationError);
  EXPECT_THROW(fit_ridge(table.features, table.value.narrow(0, 0, 3), table.features), EvaluationError);
  EXPECT_THROW(fit_ridge(table.features, table.value, table.features.narrow(1, 0, 3)), EvaluationError);
  table.features[0][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(fit_ridge(table.features, table.value, table.features), EvaluationError);
}

}  // namespace
}  // namespace causalfm::evaluation
