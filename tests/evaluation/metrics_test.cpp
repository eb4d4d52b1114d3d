#include "evaluation/metrics.hpp"

#include "causalfm/evaluation/error.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace causalfm::evaluation {
namespace {

at::Tensor numbers(at::ArrayRef<double> values) { return at::tensor(values, at::kDouble); }
at::Tensor classes(at::ArrayRef<int64_t> values) { return at::tensor(values, at::kLong); }

TEST(R2, IsTheShareOfTheSpreadThatIsExplained) {
  const at::Tensor truth = numbers({1.0, 2.0, 3.0, 6.0});  // mean 3, sum of squares 14
  EXPECT_DOUBLE_EQ(r2(truth, truth), 1.0);
  EXPECT_DOUBLE_EQ(r2(truth, at::full({4}, 3.0, at::kDouble)), 0.0);
  EXPECT_DOUBLE_EQ(r2(truth, numbers({1.0, 2.0, 4.0, 7.0})), 1.0 - 2.0 / 14.0);
}

TEST(R2, IsNotClipped) { EXPECT_DOUBLE_EQ(r2(numbers({-1.0, 1.0}), numbers({9.0, -9.0})), -99.0); }

TEST(R2, OfAConstantOrOfNothingIsNan) {
  EXPECT_TRUE(std::isnan(r2(at::full({3}, 0.1, at::kDouble), numbers({0.1, 0.2, 0.3}))));
  EXPECT_TRUE(std::isnan(r2(numbers({}), numbers({}))));
}

TEST(R2, OfTwoLengthsIsRefused) { EXPECT_THROW(r2(numbers({1.0, 2.0}), numbers({1.0})), EvaluationError); }

TEST(BalancedAccuracy, CountsEveryClassAlike) {
  EXPECT_DOUBLE_EQ(balanced_accuracy(classes({0, 0, 0, 1}), classes({0, 0, 0, 0})), 0.5);
  EXPECT_DOUBLE_EQ(balanced_accuracy(classes({0, 0, 3, 3}), classes({0, 1, 3, 3})), 0.75);
}

TEST(BalancedAccuracy, LeavesOutClassesThatDoNotOccur) {
  EXPECT_DOUBLE_EQ(balanced_accuracy(classes({2, 2}), classes({2, 5})), 0.5);
  EXPECT_TRUE(std::isnan(balanced_accuracy(classes({}), classes({}))));
}

TEST(MeanPerGroup, AveragesRowsOfEachGroup) {
  const at::Tensor group = classes({1, 0, 1, 1});
  EXPECT_TRUE(mean_per_group(numbers({1.0, 5.0, 2.0, 6.0}), group, 2).equal(numbers({5.0, 3.0})));
  const at::Tensor table = at::stack({numbers({1.0, 5.0, 2.0, 6.0}), numbers({0.0, 1.0, 3.0, 3.0})}, 1);
  EXPECT_TRUE(mean_per_group(table, group, 2).equal(numbers({5.0, 1.0, 3.0, 2.0}).view({2, 2})));
  EXPECT_TRUE(mean_per_group(numbers({1.0}), classes({0}), 2)[1].isnan().item<bool>());
}

}  // namespace
}  // namespace causalfm::evaluation
