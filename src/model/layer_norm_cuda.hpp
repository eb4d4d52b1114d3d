#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::model {

/// Widest rows that the two functions below take: a warp holds one in registers.
constexpr int64_t widest_norm_on_cuda = 512;

/// Runs of rows whose gradients of weight and bias are summed each on its own; depends on the number of rows alone.
int64_t norm_parts_on_cuda(int64_t rows);

/// out = (input - mean) / sqrt(variance + epsilon) * weight + bias, each row by itself. Both functions work on the
/// current stream of the tensors' device and take float32 or float64, contiguous.
/// @param input, out [rows, width]. @param weight, bias [width]
/// @throws ModelError in a build without CUDA.
void layer_norm_on_cuda(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, double epsilon,
                        const at::Tensor& out);

/// @param gradient of out. @param of_input is written
/// @param of_parameters [norm_parts_on_cuda(rows), 2, width]: every part's gradients of weight and bias are written
void layer_norm_backward_on_cuda(const at::Tensor& input, const at::Tensor& weight, double epsilon,
                                 const at::Tensor& gradient, const at::Tensor& of_input,
                                 const at::Tensor& of_parameters);

}  // namespace causalfm::model
