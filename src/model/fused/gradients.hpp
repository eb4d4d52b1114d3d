#pragma once

#include "model/kernels/arrays.hpp"
#include "model/kernels/cursor.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace causalfm::model {

/// The gradients of one part of a batch, handed out in order.
class GradientCursor {
 public:
  GradientCursor(float* buffer, const std::vector<int64_t>& sizes) : cursor_(buffer), sizes_(&sizes) {}

  float* next() { return cursor_.take((*sizes_)[number_++]); }
  NormGradient norm();
  AffineGradient affine();

 private:
  Cursor cursor_;
  const std::vector<int64_t>* sizes_;
  size_t number_ = 0;
};

/// Gradients that the parts of a batch add up each on its own, as one buffer of float32 a part, so that one sum adds
/// the parts, in an order that does not depend on threads.
class GradientParts {
 public:
  /// @param like tensors of the gradients' shapes, in order
  GradientParts(int64_t parts, const std::vector<at::Tensor>& like);

  GradientCursor part(int64_t number) const;

  /// The gradients, summed over the parts.
  std::vector<at::Tensor> sum() const;

 private:
  std::vector<std::vector<int64_t>> shapes_;
  std::vector<int64_t> sizes_;
  at::Tensor buffer_;  ///< [parts, elements]
};

}  // namespace causalfm::model
