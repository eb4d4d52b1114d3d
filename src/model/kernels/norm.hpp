#pragma once

#include "model/kernels/arrays.hpp"

#include <cstdint>

/// LayerNorm of rows on their own; all [rows, width].
namespace causalfm::model {

struct NormKernels {
  void (*forward)(int64_t rows, int64_t width, const float* input, Norm norm, float* out);

  /// From the gradient of `out`; adds to `of_norm`.
  void (*backward)(int64_t rows, int64_t width, const float* input, const float* gradient, Norm norm,
                   NormGradient of_norm, float* of_input);
};

}  // namespace causalfm::model
