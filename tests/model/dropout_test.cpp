#include "model/dropout.hpp"

#include "causalfm/model/error.hpp"
#include "model/dropout_mask.hpp"
#include "model/gradient_check.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

namespace causalfm::model {
namespace {

const DropoutKey key{11, 3, 5};

/// Which elements are kept, as 1 and 0.
at::Tensor kept(at::IntArrayRef shape, const DropoutKey& of, int64_t layer, double rate,
                at::ScalarType dtype = at::kDouble) {
  return dropout(at::ones(shape, dtype), of, layer, rate) != 0;
}

TEST(DropoutTest, IsTheDefinitionElementByElement) {
  at::manual_seed(10);
  const double rate = 0.3;
  const DropoutMask mask{philox_key(11, RandomStream::dropout), 2, 3, 5, 45875, 65536.0 / 45875.0};
  // Rows shorter than a tile, of whole tiles, and with a tail.
  for (const int64_t elements : {1, 45, 128, 256, 300}) {
    const at::Tensor input = at::randn({4, elements}, at::kDouble);
    const at::Tensor got = dropout(input, key, 2, rate), single = dropout(input.to(at::kFloat), key, 2, rate);
    for (int64_t row = 0; row < 4; ++row) {
      for (int64_t e = 0; e < elements; ++e) {
        const int64_t draw = e % dropout_tile / dropout_lanes;
        const int64_t block = e / dropout_tile * dropout_lanes + e % dropout_lanes;
        const PhiloxBlock words = dropout_block(mask, static_cast<uint32_t>(row), static_cast<uint32_t>(block));
        const bool keeps = dropout_keeps(mask, words[static_cast<size_t>(draw / 2)], draw);
        const double expected = keeps ? input[row][e].item<double>() * 65536.0 / 45875.0 : 0.0;
        ASSERT_NEAR(got[row][e].item<double>(), expected, 1e-14) << row << " " << e;
        ASSERT_NEAR(single[row][e].item<double>(), expected, 1e-6) << row << " " << e;
      }
    }
  }
}

TEST(DropoutTest, KeepsTheShareAskedForAndTheMean) {
  const int64_t elements = 400000;
  for (const double rate : {0.1, 0.5, 0.9}) {
    const at::Tensor out = dropout(at::ones({10, elements / 10}, at::kDouble), key, 1, rate);
    const double share = (out != 0).to(at::kDouble).mean().item<double>();
    const double deviation = std::sqrt(rate * (1.0 - rate) / elements);
    EXPECT_NEAR(share, 1.0 - rate, 4.5 * deviation + 1.0 / 131072.0);
    EXPECT_NEAR(out.mean().item<double>(), 1.0, 4.5 * deviation / (1.0 - rate));
  }
}

TEST(DropoutTest, DoesNotDependOnTheDivisionOfRowsNorOnThreads) {
  const at::Tensor input = at::ones({12, 7, 40});
  const int threads = at::get_num_threads();
  at::set_num_threads(3);
  const at::Tensor whole = dropout(input, key, 4, 0.4);
  at::set_num_threads(1);
  const at::Tensor again = dropout(input, key, 4, 0.4);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(whole, again));
  const DropoutKey later{key.seed, key.step, key.first_row + 5};
  EXPECT_TRUE(at::equal(whole.narrow(0, 5, 7), dropout(input.narrow(0, 5, 7), later, 4, 0.4)));
}

TEST(DropoutTest, IsTheSameInBothPrecisions) {
  EXPECT_TRUE(at::equal(kept({5, 333}, key, 4, 0.4, at::kFloat), kept({5, 333}, key, 4, 0.4, at::kDouble)));
}

TEST(DropoutTest, SeedsStepsLayersAndRowsDrawIndependently) {
  const at::Tensor base = kept({1, 40000}, key, 4, 0.5);
  const at::Tensor others[] = {kept({1, 40000}, {12, 3, 5}, 4, 0.5), kept({1, 40000}, {11, 4, 5}, 4, 0.5),
                               kept({1, 40000}, {11, 3, 6}, 4, 0.5), kept({1, 40000}, key, 5, 0.5)};
  for (const at::Tensor& other : others) {
    // Independent fair coins agree in half of the cases; 0.0125 is five standard deviations.
    EXPECT_NEAR((base == other).to(at::kDouble).mean().item<double>(), 0.5, 0.0125);
  }
}

TEST(DropoutTest, BackwardUsesTheMaskOfForward) {
  at::manual_seed(11);
  const at::Tensor input = at::randn({3, 5, 31}, at::kDouble).requires_grad_();
  const at::Tensor out = dropout(input, key, 4, 0.4);
  const at::Tensor gradient = at::randn({3, 5, 31}, at::kDouble);
  out.backward(gradient);
  EXPECT_TRUE(at::equal(input.grad(), dropout(gradient, key, 4, 0.4)));
  const at::Tensor few = at::randn({2, 9}, at::kDouble).requires_grad_();
  expect_gradients([&] { return dropout(few, key, 4, 0.4); }, {{"input", few}});
}

TEST(DropoutTest, AcceptsGradientsThatAreExpandedOrTransposed) {
  const at::Tensor input = at::ones({3, 6, 4}, at::kDouble).requires_grad_();
  dropout(input, key, 4, 0.4).transpose(1, 2).sum().backward();
  EXPECT_TRUE(at::equal(input.grad(), dropout(at::ones({3, 6, 4}, at::kDouble), key, 4, 0.4)));
}

TEST(DropoutTest, RateZeroIsTheIdentity) {
  const at::Tensor input = at::ones({3, 6});
  EXPECT_TRUE(dropout(input, key, 4, 0.0).is_same(input));
}

TEST(DropoutTest, RefusesWhatItCannotDraw) {
  const at::Tensor input = at::ones({3, 6});
  EXPECT_THROW(dropout(input, key, 4, 1.0), ModelError);
  EXPECT_THROW(dropout(input, key, 4, -0.1), ModelError);
  EXPECT_THROW(dropout(input, key, 4, std::nan("")), ModelError);
  EXPECT_THROW(dropout(input, {1, -1, 0}, 4, 0.1), ModelError);
  EXPECT_THROW(dropout(input, {1, int64_t{1} << 32, 0}, 4, 0.1), ModelError);
  EXPECT_THROW(dropout(input, {1, 0, (int64_t{1} << 32) - 2}, 4, 0.1), ModelError);
  EXPECT_THROW(dropout(input.to(at::kHalf), key, 4, 0.1), ModelError);
  EXPECT_THROW(dropout(at::ones({}), key, 4, 0.1), ModelError);
}

}  // namespace
}  // namespace causalfm::model
