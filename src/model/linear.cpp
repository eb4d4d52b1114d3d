#include "model/linear.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <string>

namespace causalfm::model {

Linear::Linear(const Scope& scope, int64_t in, int64_t out) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  weight_ = scope.uniform("weight", {out, in}, bound);
  bias_ = scope.uniform("bias", {out}, bound);
}

at::Tensor Linear::operator()(const at::Tensor& input) const { return at::linear(input, weight_, bias_); }

MultilayerPerceptron::MultilayerPerceptron(const Scope& scope, const std::vector<int64_t>& sizes) {
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    layers_.emplace_back(scope / ("layer" + std::to_string(i)), sizes[i], sizes[i + 1]);
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
