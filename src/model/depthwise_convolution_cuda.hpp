#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::model {

/// Whether a kernel of so many taps fits a multiprocessor's shared memory. False in a build without CUDA.
bool convolves_on_cuda(int64_t kernel, at::ScalarType dtype);

/// out[b, t, c] = bias[c] + sum_j taps[j, c] input[b, t + j - kernel / 2, c], or with `reversed` taps the last first.
/// Both functions work on the current stream of the tensors' device and take float32 or float64, contiguous.
/// @param input, out [batch, time, width]. @param taps [kernel, width]. @param bias [width]; undefined: none
/// @throws ModelError in a build without CUDA.
void convolve_on_cuda(const at::Tensor& input, const at::Tensor& taps, const at::Tensor& bias, bool reversed,
                      const at::Tensor& out);

/// Runs of curves whose gradients of the taps are summed each on its own; depends on the number of curves alone.
int64_t convolution_parts_on_cuda(int64_t curves);

/// @param gradient of out. @param of_taps [convolution_parts_on_cuda(batch), kernel, width]: every part's is written
void convolution_backward_on_cuda(const at::Tensor& input, const at::Tensor& gradient, const at::Tensor& of_taps);

}  // namespace causalfm::model
