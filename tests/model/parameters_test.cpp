#include "causalfm/model/parameters.hpp"

#include "causalfm/model/error.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace causalfm::model {
namespace {

class ParametersTest : public testing::TestWithParam<at::ScalarType> {
 protected:
  ParametersTest() : parameters(GetParam()) {
    first = parameters.add("first", at::full({3, 2}, 1.5, at::kDouble));
    second = parameters.add("second", at::full({5}, -2.0, at::kDouble));
    last = parameters.add("last", at::full({1}, 4.0, at::kDouble));
    parameters.seal();
  }

  Parameters parameters;
  at::Tensor first, second, last;
};

TEST_P(ParametersTest, AreViewsOfOneAlignedBuffer) {
  EXPECT_EQ(parameters.count(), 12);
  for (const Parameters::Entry& entry : parameters.entries()) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(entry.value.data_ptr()) % 64, 0U) << entry.name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(entry.value.grad().data_ptr()) % 64, 0U) << entry.name;
    EXPECT_TRUE(entry.value.is_leaf() && entry.value.requires_grad() && entry.value.is_contiguous());
    EXPECT_EQ(entry.value.scalar_type(), GetParam());
  }
  EXPECT_TRUE(first.is_same(parameters.find("first").value));
  parameters.flat_values().add_(1.0);
  EXPECT_EQ(first[2][1].item<double>(), 2.5);
  EXPECT_EQ(last[0].item<double>(), 5.0);
}

TEST_P(ParametersTest, BackwardAccumulatesInTheFlatGradients) {
  const auto loss = [&] { return (first * first).sum() + 3.0 * second.sum(); };
  loss().backward();
  EXPECT_EQ(parameters.flat_gradients()[parameters.find("first").offset].item<double>(), 3.0);
  EXPECT_EQ(parameters.flat_gradients()[parameters.find("second").offset + 4].item<double>(), 3.0);
  EXPECT_EQ(parameters.flat_gradients().sum().item<double>(), 6 * 3.0 + 5 * 3.0);
  loss().backward();
  EXPECT_EQ(parameters.flat_gradients().sum().item<double>(), 2 * (6 * 3.0 + 5 * 3.0));
  parameters.flat_gradients().zero_();
  EXPECT_EQ(first.grad().abs().sum().item<double>(), 0.0);
  loss().backward();
  EXPECT_EQ(first.grad()[0][0].item<double>(), 3.0);
  EXPECT_EQ(parameters.flat_gradients().sum().item<double>(), 6 * 3.0 + 5 * 3.0);
}

TEST_P(ParametersTest, GapsHoldZeros) {
  const double values = 6 * 1.5 - 5 * 2.0 + 4.0;
  EXPECT_EQ(parameters.flat_values().sum().item<double>(), values);
  EXPECT_EQ((parameters.flat_values() != 0).sum().item<int64_t>(), parameters.count());
}

TEST_P(ParametersTest, AssignCopiesAndConverts) {
  const at::Tensor other = GetParam() == at::kDouble ? at::arange(5, at::kFloat) : at::arange(5, at::kDouble);
  parameters.assign("second", other);
  EXPECT_EQ(parameters.flat_values()[parameters.find("second").offset + 3].item<double>(), 3.0);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, ParametersTest, testing::Values(at::kFloat, at::kDouble));

TEST(ParametersErrorTest, NamesWhatDoesNotFit) {
  Parameters parameters(at::kFloat);
  parameters.add("weight", at::ones({2}));
  EXPECT_THROW(parameters.add("weight", at::ones({2})), ModelError);
  parameters.seal();
  EXPECT_THROW(parameters.add("bias", at::ones({2})), ModelError);
  EXPECT_THROW(parameters.find("bias"), ModelError);
  EXPECT_THROW(parameters.assign("bias", at::ones({2})), ModelError);
  EXPECT_THROW(parameters.assign("weight", at::ones({3})), ModelError);
  EXPECT_THROW(parameters.assign("weight", at::ones({1, 2})), ModelError);
}

}  // namespace
}  // namespace causalfm::model
