#pragma once

#include "causalfm/model/products.hpp"
#include "model/kernels/attention.hpp"
#include "model/kernels/convolution.hpp"
#include "model/kernels/feed_forward.hpp"
#include "model/kernels/lstm.hpp"
#include "model/kernels/norm.hpp"

#include <cstdint>
#include <vector>

namespace causalfm::model {

/// How a matrix is laid out once for many products in bfloat16.
struct Packing {
  /// Elements that a matrix [depth, columns] takes.
  int64_t (*elements)(int64_t depth, int64_t columns);

  /// @param values element (k, c) at values[c / panel_columns * panel + k * row + c % panel_columns]
  /// @param columns a multiple of 16
  void (*pack)(int64_t depth, int64_t columns, const float* values, int64_t row, int64_t panel, uint32_t* packed);
};

/// The residual sublayers for one instruction set. What is computed is in float32; with bfloat16 products, what is
/// multiplied in a matrix product is rounded to bfloat16 and summed in float32.
struct Kernels {
  const char* instruction_set;
  const char* setting;     ///< the value of runtime.kernels that it belongs to
  int64_t lanes;           ///< of a vector
  int64_t panel_columns;   ///< of the panels of an Affine
  const Packing* packing;  ///< null: products are in float32

  AttentionKernels attention;
  LstmKernels lstm;
  ConvolutionKernels convolution;
  FeedForwardKernels feed_forward;
  NormKernels norm;

  /// Copies past the caches what is not read before backward. @param count a multiple of 16, to a 64-byte boundary
  void (*keep)(int64_t count, const float* from, float* to);
};

/// Those that this processor can run, the fastest first; none on a processor without AVX2.
std::vector<const Kernels*> supported_kernels(Products products);

const Kernels& avx2_kernels();
const Kernels& avx512_kernels();

// With products in bfloat16: by AMX, by the instruction for dot products (AVX512_BF16), and where there is none, by
// products of float32.
const Kernels& amx_kernels();
const Kernels& avx512_bf16_kernels();
const Kernels& avx512_bfloat16_kernels();
const Kernels& avx2_bfloat16_kernels();

}  // namespace causalfm::model
