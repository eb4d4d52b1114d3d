#include "model/fused/packing.hpp"

#include <ATen/ATen.h>

namespace causalfm::model {

float* data_of(const at::Tensor& values) { return values.mutable_data_ptr<float>(); }

PackedAffine::PackedAffine(const at::Tensor& weight, const at::Tensor& bias, int64_t columns)
    : weight(weight), bias(bias) {
  const int64_t out = weight.size(0), in = weight.size(1), count = (out + columns - 1) / columns;
  panels = at::constant_pad_nd(weight, {0, 0, 0, count * columns - out})
               .view({count, columns, in})
               .transpose(1, 2)
               .contiguous();
}

}  // namespace causalfm::model
