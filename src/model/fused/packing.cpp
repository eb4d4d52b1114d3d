#include "model/fused/packing.hpp"

#include <ATen/ATen.h>

namespace causalfm::model {

float* data_of(const at::Tensor& values) { return values.mutable_data_ptr<float>(); }

namespace {

const uint32_t* packed_data(const at::Tensor& packed) {
  return packed.defined() ? reinterpret_cast<const uint32_t*>(packed.const_data_ptr<int32_t>()) : nullptr;
}

/// [depth, columns] as Packing::pack takes it.
at::Tensor pack(const Packing& packing, int64_t depth, int64_t columns, const at::Tensor& values, int64_t row,
                int64_t panel) {
  at::Tensor packed = at::empty({packing.elements(depth, columns)}, at::kInt);
  packing.pack(depth, columns, values.const_data_ptr<float>(), row, panel,
               reinterpret_cast<uint32_t*>(packed.mutable_data_ptr<int32_t>()));
  return packed;
}

}  // namespace

PackedAffine::PackedAffine(const at::Tensor& weight, const at::Tensor& bias, const Kernels& kernels)
    : weight(weight), bias(bias) {
  const int64_t columns = kernels.panel_columns;
  const int64_t out = weight.size(0), in = weight.size(1), count = (out + columns - 1) / columns;
  panels = at::constant_pad_nd(weight, {0, 0, 0, count * columns - out})
               .view({count, columns, in})
               .transpose(1, 2)
               .contiguous();
  if (kernels.packing == nullptr) return;
  packed_panels = pack(*kernels.packing, in, out, panels, columns, in * columns);
  packed_weight = pack(*kernels.packing, out, in, weight, in, columns);
}

Affine PackedAffine::arrays() const {
  return {data_of(panels), data_of(weight), data_of(bias), packed_data(packed_panels), packed_data(packed_weight)};
}

}  // namespace causalfm::model
