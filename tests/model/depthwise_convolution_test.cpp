#include "model/depthwise_convolution.hpp"

#include "model/gradient_check.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <tuple>

namespace causalfm::model {
namespace {

using Convolution = at::Tensor (*)(const at::Tensor&, const at::Tensor&, const at::Tensor&);

struct Evaluation {
  at::Tensor output, input_gradient, weight_gradient, bias_gradient;
};

Evaluation evaluate(Convolution convolution, const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                    const at::Tensor& output_gradient) {
  const at::Tensor x = input.detach().clone().requires_grad_(), w = weight.detach().clone().requires_grad_(),
                   b = bias.detach().clone().requires_grad_();
  const at::Tensor output = convolution(x, w, b);
  output.backward(output_gradient);
  return {output.detach(), x.grad(), w.grad(), b.grad()};
}

/// dtype, width, kernel, time
using Case = std::tuple<at::ScalarType, int64_t, int64_t, int64_t>;

class DepthwiseConvolutionTest : public testing::TestWithParam<Case> {};

TEST_P(DepthwiseConvolutionTest, AgreesWithConv1d) {
  const auto [dtype, width, kernel, time] = GetParam();
  at::manual_seed(5);
  const int64_t batch = 19;
  const at::Tensor input = at::randn({batch, time, width}, dtype), weight = at::randn({kernel, width}, dtype),
                   bias = at::randn({width}, dtype), gradient = at::randn({batch, time, width}, dtype);
  const Evaluation own = evaluate(depthwise_convolution, input, weight, bias, gradient);
  const Evaluation reference = evaluate(depthwise_convolution_by_conv1d, input, weight, bias, gradient);
  const double tolerance = dtype == at::kDouble ? 1e-12 : 2e-4;
  EXPECT_LT(distance(own.output, reference.output), tolerance);
  EXPECT_LT(distance(own.input_gradient, reference.input_gradient), tolerance);
  EXPECT_LT(distance(own.weight_gradient, reference.weight_gradient), tolerance);
  EXPECT_LT(distance(own.bias_gradient, reference.bias_gradient), tolerance);
  EXPECT_TRUE(own.output.is_contiguous());
}

// Widths on both sides of a vector, times shorter than the kernel, output counts that leave every tail.
INSTANTIATE_TEST_SUITE_P(Shapes, DepthwiseConvolutionTest,
                         testing::Combine(testing::Values(at::kFloat, at::kDouble), testing::Values(5, 16, 40, 64),
                                          testing::Values(1, 7, 31), testing::Values(1, 13, 100)));

TEST(DepthwiseConvolutionLayoutTest, NeitherInputNorWeightNeedsToBeContiguous) {
  at::manual_seed(8);
  const at::Tensor input = at::randn({20, 3, 32}, at::kDouble).transpose(0, 1),
                   weight = at::randn({32, 7}, at::kDouble).t(), bias = at::randn({32}, at::kDouble),
                   gradient = at::randn({3, 20, 32}, at::kDouble);
  const Evaluation own = evaluate(depthwise_convolution, input, weight, bias, gradient);
  const Evaluation reference = evaluate(depthwise_convolution_by_conv1d, input, weight, bias, gradient);
  EXPECT_LT(distance(own.output, reference.output), 1e-12);
  EXPECT_LT(distance(own.input_gradient, reference.input_gradient), 1e-12);
  EXPECT_LT(distance(own.weight_gradient, reference.weight_gradient), 1e-12);
}

TEST(DepthwiseConvolutionBitsTest, DependNeitherOnThreadsNorOnOtherCurves) {
  at::manual_seed(6);
  const at::Tensor input = at::randn({21, 50, 32}), weight = at::randn({31, 32}), bias = at::randn({32}),
                   gradient = at::randn({21, 50, 32});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Evaluation one = evaluate(depthwise_convolution, input, weight, bias, gradient);
  at::set_num_threads(3);
  const Evaluation three = evaluate(depthwise_convolution, input, weight, bias, gradient);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(one.output, three.output));
  EXPECT_TRUE(at::equal(one.input_gradient, three.input_gradient));
  EXPECT_TRUE(at::equal(one.weight_gradient, three.weight_gradient));
  const Evaluation alone =
      evaluate(depthwise_convolution, input.narrow(0, 9, 1), weight, bias, gradient.narrow(0, 9, 1));
  EXPECT_TRUE(at::equal(alone.output, one.output.narrow(0, 9, 1)));
  EXPECT_TRUE(at::equal(alone.input_gradient, one.input_gradient.narrow(0, 9, 1)));
}

TEST(DepthwiseConvolutionGradientTest, IsThatOfFiniteDifferences) {
  at::manual_seed(7);
  const at::Tensor input = at::randn({2, 6, 3}, at::kDouble).requires_grad_(),
                   weight = at::randn({5, 3}, at::kDouble).requires_grad_(),
                   bias = at::randn({3}, at::kDouble).requires_grad_();
  expect_gradients([&] { return depthwise_convolution(input, weight, bias); },
                   {{"input", input}, {"weight", weight}, {"bias", bias}});
}

}  // namespace
}  // namespace causalfm::model
