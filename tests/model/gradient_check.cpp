#include "model/gradient_check.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace causalfm::model {
namespace {

constexpr double step = 1e-5;
constexpr double tolerance = 1e-7;

struct Objective {
  const std::function<at::Tensor()>& function;
  at::Tensor weights;

  at::Tensor tensor() const { return (function() * weights).sum(); }
  double value() const { return tensor().item<double>(); }
};

Objective backward(const std::function<at::Tensor()>& function, const NamedTensors& leaves) {
  for (const auto& [name, leaf] : leaves) {
    if (leaf.grad().defined()) {
      leaf.mutable_grad().zero_();
    }
  }
  Objective objective{function, at::randn_like(function().detach())};
  objective.tensor().backward();
  return objective;
}

/// (f(x + step d) - f(x - step d)) / (2 step).
double slope(const Objective& objective, const at::Tensor& leaf, const at::Tensor& direction) {
  const at::Tensor values = leaf.detach();
  const at::Tensor original = values.clone();
  values.copy_(original + step * direction);
  const double above = objective.value();
  values.copy_(original - step * direction);
  const double below = objective.value();
  values.copy_(original);
  return (above - below) / (2.0 * step);
}

}  // namespace

NamedTensors leaves_of(const Parameters& parameters) {
  NamedTensors leaves;
  for (const Parameters::Entry& entry : parameters.entries()) {
    leaves.emplace_back(entry.name, entry.value);
  }
  return leaves;
}

void expect_gradients(const std::function<at::Tensor()>& function, const NamedTensors& leaves) {
  const Objective objective = backward(function, leaves);
  for (const auto& [name, leaf] : leaves) {
    ASSERT_TRUE(leaf.grad().defined()) << name;
    const at::Tensor gradient = leaf.grad().flatten();
    const double scale = std::max(1.0, gradient.abs().max().item<double>());
    for (int64_t i = 0; i < leaf.numel(); ++i) {
      at::Tensor direction = at::zeros({leaf.numel()}, at::kDouble);
      direction[i] = 1.0;
      EXPECT_NEAR(gradient[i].item<double>(), slope(objective, leaf, direction.view(leaf.sizes())), tolerance * scale)
          << name << " element " << i;
    }
  }
}

void expect_gradients_along_directions(const std::function<at::Tensor()>& function, const NamedTensors& leaves) {
  const Objective objective = backward(function, leaves);
  for (const auto& [name, leaf] : leaves) {
    ASSERT_TRUE(leaf.grad().defined()) << name;
    for (int repeat = 0; repeat < 2; ++repeat) {
      const at::Tensor direction = at::randn_like(leaf.detach());
      const double expected = (leaf.grad() * direction).sum().item<double>();
      EXPECT_NEAR(expected, slope(objective, leaf, direction), tolerance * std::max(1.0, std::abs(expected))) << name;
    }
  }
}

}  // namespace causalfm::model
