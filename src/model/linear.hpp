#pragma once

#include "model/observed_place.hpp"
#include "model/scope.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace causalfm::model {

/// x W^T + b over the last dimension, in the dtype of W. In bfloat16 LibTorch rounds the result, too. @param bias [out]
at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, Products products);

/// linear() with parameters `weight` [out, in] and `bias` [out], both from U(-1/sqrt(in), 1/sqrt(in)).
class Linear {
 public:
  Linear(const Scope& scope, int64_t in, int64_t out, Products products = Products::full);

  at::Tensor operator()(const at::Tensor& input) const;

  /// Weight and bias.
  std::vector<at::Tensor> parameters() const { return {weight_, bias_}; }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  Products products_;
};

/// Linear layers `layer0`, `layer1`, ... with SiLU between them, none after the last.
class MultilayerPerceptron {
 public:
  /// @param sizes input, hidden layers, output. @param hidden products of all layers but the last. @param last its own
  MultilayerPerceptron(const Scope& scope, const std::vector<int64_t>& sizes, Products hidden = Products::full,
                       Products last = Products::full);

  at::Tensor operator()(const at::Tensor& input, const ObservedPlace& place = {}) const;

  /// Weight and bias of every layer.
  std::vector<at::Tensor> parameters() const;

 private:
  std::vector<Linear> layers_;
};

}  // namespace causalfm::model
