#include "model/time_encoding.hpp"

#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace causalfm::model {
namespace {

TEST(TimeEncodingTest, IsSineAndCosineAtLogSpacedFrequencies) {
  const SequenceScale scale{9, 12.0, 0.5};
  const TimeEncoding encoding(scale, 8, at::kDouble);
  const at::Tensor time = at::tensor({0.0, 0.4, 3.0, 12.0}, at::kDouble);
  const at::Tensor got = encoding(time);
  ASSERT_EQ(got.sizes(), at::IntArrayRef({4, 8}));
  const double slowest = 2.0 * std::numbers::pi / 12.0, fastest = std::numbers::pi / 0.5;
  for (int64_t t = 0; t < 4; ++t) {
    for (int64_t i = 0; i < 4; ++i) {
      const double angle = slowest * std::pow(fastest / slowest, i / 3.0) * time[t].item<double>();
      EXPECT_NEAR(got[t][i].item<double>(), std::sin(angle), 1e-13);
      EXPECT_NEAR(got[t][4 + i].item<double>(), std::cos(angle), 1e-13);
    }
  }
}

TEST(TimeEncodingTest, SharedAndOwnTimesAgree) {
  const TimeEncoding encoding(small_scale(), 6, at::kDouble);
  const at::Tensor time = at::arange(9, at::kDouble);
  const at::Tensor own = encoding(time.expand({4, 9}));
  ASSERT_EQ(own.sizes(), at::IntArrayRef({4, 9, 6}));
  EXPECT_TRUE(at::equal(own[3], encoding(time)));
}

TEST(TimeEncodingTest, KeepsFloatAccuracyOverManyTurns) {
  const SequenceScale sector{19700, 27.4, 2.0 / 1440.0};
  const at::Tensor time = at::rand({1000}, at::kFloat) * 27.4;
  const at::Tensor single = TimeEncoding(sector, 16, at::kFloat)(time);
  const at::Tensor twofold = TimeEncoding(sector, 16, at::kDouble)(time.to(at::kDouble));
  EXPECT_EQ(single.scalar_type(), at::kFloat);
  EXPECT_LT(distance(single.to(at::kDouble), twofold), 1e-6);
}

}  // namespace
}  // namespace causalfm::model
