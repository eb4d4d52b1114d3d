#include "model/depthwise_convolution.hpp"
#include "model/layer_norm.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <ostream>
#include <vector>

/// What has kernels of its own on a GPU, against the CPU; skipped where there is no GPU.
namespace causalfm::model {
namespace {

struct Shape {
  int64_t batch, time, width, kernel;
};

std::ostream& operator<<(std::ostream& stream, const Shape& shape) {
  return stream << "batch " << shape.batch << ", time " << shape.time << ", width " << shape.width << ", kernel "
                << shape.kernel;
}

constexpr Shape shapes[] = {
    {1, 1, 16, 1},   {7, 5, 32, 7},    {300, 100, 64, 31}, {3, 1337, 64, 31}, {7, 64, 48, 31},  {2, 129, 100, 5},
    {5, 3, 128, 31}, {1, 200, 33, 63}, {600, 2, 80, 3},    {2, 70, 512, 9},   {1, 9, 600, 3},   {7000, 100, 64, 3},
    {7, 1, 128, 1},  {300, 5, 100, 7}, {300, 1, 48, 7},    {1, 1337, 16, 1},  {7, 100, 33, 31}, {257, 65, 32, 7}};

/// Of an operation: its output and the gradients of its inputs.
using Results = std::vector<at::Tensor>;
using Operation = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

Results run(const Operation& operation, const std::vector<at::Tensor>& inputs, const at::Tensor& gradient,
            c10::Device device, at::ScalarType dtype) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& input : inputs)
    leaves.push_back(input.to(device, dtype, false, /*copy=*/true).requires_grad_());
  const at::Tensor out = operation(leaves);
  out.backward(gradient.to(device, dtype));
  Results results{out.detach()};
  for (const at::Tensor& leaf : leaves) results.push_back(leaf.grad());
  for (at::Tensor& result : results) result = result.to(c10::kCPU, at::kDouble);
  return results;
}

/// The norm of the difference over the norm, of the worst tensor.
double largest_difference(const Results& found, const Results& expected) {
  double worst = 0.0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double scale = expected[i].norm().item<double>();
    worst = std::max(worst, (found[i] - expected[i]).norm().item<double>() / std::max(scale, 1e-30));
  }
  return worst;
}

void expect_as_on_the_cpu(const Operation& operation, const std::vector<at::Tensor>& inputs,
                          const at::Tensor& gradient) {
  const Results expected = run(operation, inputs, gradient, c10::kCPU, at::kDouble);
  EXPECT_LT(largest_difference(run(operation, inputs, gradient, c10::kCUDA, at::kDouble), expected), 1e-12);
  const Results single = run(operation, inputs, gradient, c10::kCUDA, at::kFloat);
  EXPECT_LT(largest_difference(single, expected), 1e-5);
  const Results again = run(operation, inputs, gradient, c10::kCUDA, at::kFloat);
  for (size_t i = 0; i < single.size(); ++i) EXPECT_TRUE(at::equal(single[i], again[i])) << "tensor " << i;
}

class OnGpu : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    if (!at::hasCUDA() || at::detail::getCUDAHooks().deviceCount() == 0) GTEST_SKIP() << "no GPU";
    at::manual_seed(5);
    const Shape shape = GetParam();
    input = at::randn({shape.batch, shape.time, shape.width}, at::kDouble) + 0.5;
    gradient = at::randn(input.sizes(), at::kDouble);
  }

  at::Tensor input;
  at::Tensor gradient;
};

TEST_P(OnGpu, ANormIsThatOfTheCpu) {
  const at::Tensor weight = at::randn({GetParam().width}, at::kDouble), bias = at::randn_like(weight);
  expect_as_on_the_cpu([](const auto& of) { return layer_norm(of[0], of[1], of[2]); }, {input, weight, bias}, gradient);
}

TEST_P(OnGpu, AConvolutionIsThatOfTheCpu) {
  const at::Tensor weight = at::randn({GetParam().kernel, GetParam().width}, at::kDouble);
  const at::Tensor bias = at::randn({GetParam().width}, at::kDouble);
  expect_as_on_the_cpu([](const auto& of) { return depthwise_convolution(of[0], of[1], of[2]); }, {input, weight, bias},
                       gradient);
}

TEST_P(OnGpu, AConvolutionTakesWhatIsNotContiguous) {
  const at::Tensor weight = at::randn({GetParam().width, GetParam().kernel}, at::kDouble);
  const at::Tensor bias = at::randn({GetParam().width, 2}, at::kDouble);
  expect_as_on_the_cpu(
      [](const auto& of) { return depthwise_convolution(of[0].transpose(0, 1), of[1].t(), of[2].select(1, 0)); },
      {input.transpose(0, 1).contiguous(), weight, bias}, gradient);
}

TEST_P(OnGpu, ANormTakesWhatIsNotContiguous) {
  const at::Tensor weight = at::randn({GetParam().width, 2}, at::kDouble), bias = at::randn_like(weight);
  expect_as_on_the_cpu(
      [](const auto& of) { return layer_norm(of[0].transpose(0, 1), of[1].select(1, 0), of[2].select(1, 1)); },
      {input.transpose(0, 1).contiguous(), weight, bias}, gradient);
}

TEST_P(OnGpu, ANormsResultCanBeOverwritten) {
  const at::Tensor weight = at::randn({GetParam().width}, at::kDouble), bias = at::randn_like(weight);
  expect_as_on_the_cpu([](const auto& of) { return layer_norm(of[0], of[1], of[2]).mul_(2.0); }, {input, weight, bias},
                       gradient);
}

INSTANTIATE_TEST_SUITE_P(Shapes, OnGpu, testing::ValuesIn(shapes));

}  // namespace
}  // namespace causalfm::model
