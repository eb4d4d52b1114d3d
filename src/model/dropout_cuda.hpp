#pragma once

#include "model/dropout_mask.hpp"

#include <ATen/core/Tensor.h>

namespace causalfm::model {

/// out = input where kept, scaled; else 0. On the current stream of the tensors' device.
/// @param input, out [rows, ...] float32 or float64, contiguous, on one CUDA device
/// @throws ModelError in a build without CUDA.
void dropout_on_cuda(const at::Tensor& input, const at::Tensor& out, const DropoutMask& mask);

}  // namespace causalfm::model
