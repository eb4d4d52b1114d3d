#include "model/linear.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <string>

namespace causalfm::model {

at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, Products products) {
  if (products == Products::full) return at::linear(input.to(weight.scalar_type()), weight, bias);
  return at::linear(input.to(at::kBFloat16), weight.to(at::kBFloat16), bias.to(at::kBFloat16)).to(weight.scalar_type());
}

Linear::Linear(const Scope& scope, int64_t in, int64_t out, Products products) : products_(products) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  weight_ = scope.uniform("weight", {out, in}, bound);
  bias_ = scope.uniform("bias", {out}, bound);
}

at::Tensor Linear::operator()(const at::Tensor& input) const { return linear(input, weight_, bias_, products_); }

MultilayerPerceptron::MultilayerPerceptron(const Scope& scope, const std::vector<int64_t>& sizes, Products hidden,
                                           Products last) {
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    layers_.emplace_back(scope / ("layer" + std::to_string(i)), sizes[i], sizes[i + 1],
                         i + 2 < sizes.size() ? hidden : last);
  }
}

at::Tensor MultilayerPerceptron::operator()(const at::Tensor& input, const ObservedPlace& place) const {
  at::Tensor hidden = input;
  for (size_t i = 0; i < layers_.size(); ++i) {
    hidden = layers_[i](i == 0 ? hidden : at::silu(hidden));
    place.part("layer", static_cast<int64_t>(i)).show(hidden);
  }
  return hidden;
}

std::vector<at::Tensor> MultilayerPerceptron::parameters() const {
  std::vector<at::Tensor> all;
  for (const Linear& layer : layers_) {
    for (const at::Tensor& parameter : layer.parameters()) all.push_back(parameter);
  }
  return all;
}

}  // namespace causalfm::model
