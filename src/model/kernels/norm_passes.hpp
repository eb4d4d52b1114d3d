#pragma once

#include "model/kernels/norm.hpp"
#include "model/kernels/norm_rows.hpp"

namespace causalfm::model {
namespace {

inline void norm_forward(int64_t rows, int64_t width, const float* input, Norm norm, float* out) {
  normalise(rows, width, {input, width}, norm, {out, width});
}

inline void norm_backward(int64_t rows, int64_t width, const float* input, const float* gradient, Norm norm,
                          NormGradient of_norm, float* of_input) {
  zero(rows * width, of_input);
  for_each_strip(rows, [&](int64_t first, int64_t count) {
    const int64_t at = first * width;
    normalise_backward(count, width, {input + at, width}, {gradient + at, width}, norm, of_norm,
                       {of_input + at, width});
  });
}

constexpr NormKernels norm_kernels = {norm_forward, norm_backward};

}  // namespace
}  // namespace causalfm::model
