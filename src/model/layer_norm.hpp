#pragma once

#include "model/scope.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace causalfm::model {

/// The last axis of `input` to mean 0 and variance 1, then `weight` and `bias` [width]
/// (Ba, Kiros & Hinton 2016, arXiv 1607.06450).
at::Tensor layer_norm(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias);

/// layer_norm() of each step's channels, at first with weight 1 and bias 0. No statistics of the batch enter.
class LayerNorm {
 public:
  LayerNorm(const Scope& scope, int64_t width);

  at::Tensor operator()(const at::Tensor& input) const;

  /// Weight and bias.
  std::vector<at::Tensor> parameters() const { return {weight_, bias_}; }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace causalfm::model
