#pragma once

#include "model/kernels/attention_passes.hpp"
#include "model/kernels/convolution_passes.hpp"
#include "model/kernels/feed_forward_passes.hpp"
#include "model/kernels/kernels.hpp"
#include "model/kernels/lstm_passes.hpp"
#include "model/kernels/norm_passes.hpp"

namespace causalfm::model {
namespace {

#if defined(CAUSALFM_BFLOAT16_PRODUCTS)
constexpr Packing right_packing = {
    [](int64_t depth, int64_t columns) { return padded_pairs(depth) * columns; },
    [](int64_t depth, int64_t columns, const float* values, int64_t row, int64_t panel, uint32_t* packed) {
      pack_right(depth, 0, columns, {values, row, panel}, packed);
    }};
constexpr const Packing* packing = &right_packing;
#else
constexpr const Packing* packing = nullptr;
#endif

/// The kernels of the instruction set and the products that the including file is compiled for.
constexpr Kernels kernels_named(const char* instruction_set, const char* setting) {
  return {instruction_set,
          setting,
          lanes,
          panel_columns,
          packing,
          attention_kernels,
          lstm_kernels,
          convolution_kernels,
          feed_forward_kernels,
          norm_kernels,
          keep};
}

}  // namespace
}  // namespace causalfm::model
