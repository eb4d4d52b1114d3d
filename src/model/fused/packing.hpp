#pragma once

#include "model/kernels/arrays.hpp"
#include "model/kernels/cursor.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace causalfm::model {

/// A linear layer's parameters as the kernels take them; owns what its Affine points to.
struct PackedAffine {
  at::Tensor panels;
  at::Tensor weight;
  at::Tensor bias;

  Affine arrays() const;
};

/// @param weight [out, in]. @param columns of a panel
PackedAffine pack(const at::Tensor& weight, const at::Tensor& bias, int64_t columns);

/// First element of a tensor of float32; null of an undefined one.
float* data_of(const at::Tensor& values);

/// The gradients of one part, handed out in order.
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

/// A sublayer's gradients as one buffer of float32 a part, so that parts are added up by one sum.
class GradientParts {
 public:
  /// @param like tensors of the gradients' shapes, in order
  GradientParts(int64_t parts, const std::vector<at::Tensor>& like);

  GradientCursor part(int64_t number) const { return {data_of(buffer_) + number * buffer_.size(1), sizes_}; }

  /// The gradients, summed over the parts in a fixed order.
  std::vector<at::Tensor> sum() const;

 private:
  std::vector<std::vector<int64_t>> shapes_;
  std::vector<int64_t> sizes_;
  at::Tensor buffer_;  ///< [parts, elements]
};

/// Calls work(first curve, curves, part, scratch) for runs of `part_curves`, in parallel; `scratch` are
/// `scratch_elements` of the calling thread.
void for_each_part(int64_t curves, int64_t part_curves, int64_t scratch_elements,
                   const std::function<void(int64_t first, int64_t count, int64_t part, float* scratch)>& work);

/// Curves of a part: it depends on the batch alone, so that sums do not depend on the number of threads. Few enough for
/// 16 threads to have work, not so many that the parts' gradients take time of their own.
int64_t curves_of_part(int64_t curves);

}  // namespace causalfm::model
