#pragma once

#include "model/scope.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace causalfm::model {

/// Each step's channels to mean 0 and variance 1, then `weight` and `bias` [width], at first 1 and 0
/// (Ba, Kiros & Hinton 2016, arXiv 1607.06450). No statistics of the batch enter.
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
