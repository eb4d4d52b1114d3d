#pragma once

#include "model/kernels/kernels.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::model {

/// First element of a tensor of float32.
float* data_of(const at::Tensor& values);

/// The parameters of a norm; owns what its Norm points to.
struct PackedNorm {
  at::Tensor weight;
  at::Tensor bias;

  Norm arrays() const { return {data_of(weight), data_of(bias)}; }
};

/// A linear layer's parameters as the kernels take them; owns what its Affine points to.
struct PackedAffine {
  /// @param weight [out, in]
  PackedAffine(const at::Tensor& weight, const at::Tensor& bias, const Kernels& kernels);

  Affine arrays() const;

  at::Tensor panels;
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor packed_panels;  ///< undefined where kernels have no use for it
  at::Tensor packed_weight;
};

}  // namespace causalfm::model
