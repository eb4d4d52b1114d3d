#include "causalfm/training/adam.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace causalfm::training {
namespace {

/// Kingma & Ba 2015, Algorithm 1, element by element.
void reference_update(std::vector<double>& value, const std::vector<double>& gradient, std::vector<double>& first,
                      std::vector<double>& second, double rate, double decay, int count) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    const double g = gradient[i] + decay * value[i];
    first[i] = 0.9 * first[i] + 0.1 * g;
    second[i] = 0.999 * second[i] + 0.001 * g * g;
    const double mean = first[i] / (1 - std::pow(0.9, count));
    const double spread = std::sqrt(second[i] / (1 - std::pow(0.999, count)));
    value[i] -= rate * mean / (spread + 1e-8);
  }
}

class AdamAgainstTheAlgorithm : public testing::TestWithParam<double> {};

TEST_P(AdamAgainstTheAlgorithm, Agrees) {
  const double decay = GetParam();
  config::Train settings;
  settings.weight_decay = decay;
  model::Parameters parameters(at::TensorOptions().dtype(at::kDouble));
  const at::Tensor initial = at::randn({5, 7}, at::kDouble);
  const at::Tensor value = parameters.add("weight", initial);
  parameters.seal();
  Adam adam(parameters, settings);

  const auto numbers = [](const at::Tensor& tensor) {
    const at::Tensor flat = tensor.detach().contiguous().view(-1);
    return std::vector<double>(flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel());
  };
  std::vector<double> expected = numbers(initial), first(35, 0.0), second(35, 0.0);
  for (int step = 0; step < 25; ++step) {
    const at::Tensor gradient = at::randn({5, 7}, at::kDouble);
    value.mutable_grad().copy_(gradient);
    const double rate = 1e-2 / (1 + step);
    adam.update(rate, step);
    reference_update(expected, numbers(gradient), first, second, rate, decay, step + 1);
    const std::vector<double> found = numbers(value);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-11);
  }
}

INSTANTIATE_TEST_SUITE_P(Decays, AdamAgainstTheAlgorithm, testing::Values(0.0, 0.1));

TEST(Adam, LeavesTheGapsBetweenParametersZero) {
  model::Parameters parameters(at::TensorOptions().dtype(at::kFloat));
  const at::Tensor first = parameters.add("first", at::ones({3}));
  const at::Tensor second = parameters.add("second", at::ones({5}));
  parameters.seal();
  config::Train settings;
  settings.weight_decay = 0.1;
  Adam adam(parameters, settings);
  first.mutable_grad().fill_(1.0);
  second.mutable_grad().fill_(-1.0);
  for (int step = 0; step < 3; ++step) adam.update(0.1, step);
  at::Tensor gaps = parameters.flat_values().detach().clone();
  for (const auto& entry : parameters.entries()) gaps.narrow(0, entry.offset, entry.value.numel()).zero_();
  EXPECT_GT(gaps.numel(), 8);
  EXPECT_EQ(gaps.abs().max().item<float>(), 0.0F);
}

}  // namespace
}  // namespace causalfm::training
