#include "evaluation/perceptron.hpp"

#include "evaluation/random_draws.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace causalfm::evaluation {
namespace {

/// Of the mean over rows, by `outputs` [rows, outputs].
at::Tensor loss_gradient(const at::Tensor& outputs, const at::Tensor& target) {
  const auto rows = static_cast<double>(outputs.size(0));
  if (target.scalar_type() != at::kLong) return outputs.sub(target).mul_(2.0 / static_cast<double>(target.numel()));
  at::Tensor gradient = outputs.softmax(1);
  gradient.scatter_add_(1, target.unsqueeze(1), at::full({1, 1}, -1.0F).expand({target.size(0), 1}));
  return gradient.mul_(1.0 / rows);
}

}  // namespace

Perceptron::Perceptron(int64_t inputs, int64_t hidden, int64_t outputs, uint64_t seed, uint64_t stream)
    : widths_{inputs, hidden, hidden, outputs} {
  int64_t count = 0;
  for (int layer = 0; layer < 3; ++layer) count += widths_[layer + 1] * (widths_[layer] + 1);
  parameters_ = at::zeros({count}, at::kFloat);
  gradients_ = at::zeros_like(parameters_);
  first_moment_ = at::zeros_like(parameters_);
  second_moment_ = at::zeros_like(parameters_);
  layers_ = views(parameters_);
  gradient_layers_ = views(gradients_);
  RandomDraws draws(seed, stream);
  for (int layer = 0; layer < 3; ++layer) {
    const double scale = std::sqrt(2.0 / static_cast<double>(widths_[layer])) * (layer == 2 ? 0.1 : 1.0);
    auto* const weight = layers_[layer].weight.mutable_data_ptr<float>();
    for (int64_t i = 0; i < layers_[layer].weight.numel(); ++i) weight[i] = static_cast<float>(scale * draws.normal());
  }
}

Perceptron::Layers Perceptron::views(const at::Tensor& flat) const {
  Layers layers;
  int64_t first = 0;
  for (int layer = 0; layer < 3; ++layer) {
    const int64_t weights = widths_[layer] * widths_[layer + 1];
    layers[layer].weight = flat.narrow(0, first, weights).view({widths_[layer + 1], widths_[layer]});
    layers[layer].bias = flat.narrow(0, first + weights, widths_[layer + 1]);
    first += weights + widths_[layer + 1];
  }
  return layers;
}

at::Tensor Perceptron::operator()(const at::Tensor& features) const {
  at::Tensor values = features;
  for (int layer = 0; layer < 3; ++layer) {
    values = at::addmm(layers_[layer].bias, values, layers_[layer].weight.t());
    if (layer < 2) at::silu_(values);
  }
  return values;
}

void Perceptron::learn(const at::Tensor& features, const at::Tensor& target, const PerceptronStep& step) {
  std::array<at::Tensor, 3> sums;  // of each layer, before SiLU
  std::array<at::Tensor, 3> inputs{features, {}, {}};
  for (int layer = 0; layer < 3; ++layer) {
    sums[layer] = at::addmm(layers_[layer].bias, inputs[layer], layers_[layer].weight.t());
    if (layer < 2) inputs[layer + 1] = at::silu(sums[layer]);
  }
  at::Tensor gradient = loss_gradient(sums[2], target);
  for (int layer = 2; layer >= 0; --layer) {
    at::mm_out(gradient_layers_[layer].weight, gradient.t(), inputs[layer]);
    at::sum_out(gradient_layers_[layer].bias, gradient, 0);
    if (layer > 0) gradient = at::silu_backward(gradient.mm(layers_[layer].weight), sums[layer - 1]);
  }
  update(step);
}

void Perceptron::update(const PerceptronStep& step) {
  // The fused operator counts from 1 and keeps its count in a float32 tensor.
  const at::Tensor count = at::full({}, static_cast<float>(++updates_));
  at::_fused_adamw_({parameters_}, {gradients_}, {first_moment_}, {second_moment_}, {}, {count}, step.learning_rate,
                    0.9, 0.999, step.weight_decay, 1e-8, /*amsgrad=*/false, /*maximize=*/false, {}, {});
}

double perceptron_loss(const at::Tensor& outputs, const at::Tensor& target) {
  if (target.scalar_type() == at::kLong) {
    return -outputs.to(at::kDouble).log_softmax(1).gather(1, target.unsqueeze(1)).mean().item<double>();
  }
  return (outputs.to(at::kDouble) - target.to(at::kDouble)).square_().mean().item<double>();
}

}  // namespace causalfm::evaluation
