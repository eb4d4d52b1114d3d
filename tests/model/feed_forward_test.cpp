#include "model/feed_forward.hpp"

#include "model/gradient_check.hpp"
#include "model/layer_norm.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace causalfm::model {
namespace {

TEST(FeedForwardTest, IsTwoProductsWithSiluBetween) {
  at::manual_seed(8);
  Parameters parameters(at::kDouble);
  const FeedForward layer(Scope(parameters, 5), 4, 6);
  parameters.seal();
  const at::Tensor input = at::randn({2, 3, 4}, at::kDouble).requires_grad_();
  const auto parameter = [&](const char* name) { return parameters.find(name).value; };
  const at::Tensor hidden = at::matmul(input, parameter("layer0/weight").t()) + parameter("layer0/bias");
  const at::Tensor expected =
      at::matmul(hidden / (1.0 + (-hidden).exp()), parameter("layer1/weight").t()) + parameter("layer1/bias");
  EXPECT_LT(distance(layer.forward(input, SequenceMask()), expected), 1e-14);
  NamedTensors leaves = leaves_of(parameters);
  leaves.emplace_back("input", input);
  expect_gradients([&] { return layer.forward(input, SequenceMask()); }, leaves);
}

TEST(LayerNormTest, HasMeanZeroAndVarianceOneThenWeightAndBias) {
  at::manual_seed(9);
  Parameters parameters(at::kDouble);
  const LayerNorm norm(Scope(parameters, 5), 5);
  parameters.seal();
  const at::Tensor input = (3.0 + 2.0 * at::randn({2, 3, 5}, at::kDouble)).requires_grad_();
  const at::Tensor mean = input.mean(-1, true);
  const at::Tensor variance = (input - mean).pow(2).mean(-1, true);
  EXPECT_LT(distance(norm(input), (input - mean) / (variance + 1e-5).sqrt()), 1e-13);
  parameters.assign("weight", at::randn({5}, at::kDouble));
  NamedTensors leaves = leaves_of(parameters);
  leaves.emplace_back("input", input);
  expect_gradients([&] { return norm(input); }, leaves);
}

TEST(LayerNormTest, TakesWhatIsNotContiguous) {
  at::manual_seed(10);
  const at::Tensor input = at::randn({3, 2, 5}, at::kDouble).requires_grad_(),
                   weight = at::randn({5, 2}, at::kDouble).requires_grad_(),
                   bias = at::randn({5, 2}, at::kDouble).requires_grad_();
  expect_gradients([&] { return layer_norm(input.transpose(0, 1), weight.select(1, 0), bias.select(1, 1)); },
                   {{"input", input}, {"weight", weight}, {"bias", bias}});
}

}  // namespace
}  // namespace causalfm::model
