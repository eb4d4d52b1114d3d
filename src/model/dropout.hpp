#pragma once

#include "causalfm/model/model.hpp"
#include "model/dropout_mask.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace causalfm::model {

/// `input` with a share `rate` of its elements zero and the rest divided by the share that is kept, so that the mean
/// stays. The mask is a function of (key.seed, key.step, key.first_row + row, layer, element of the row) alone, defined
/// in dropout_mask.hpp; backward draws it again instead of keeping it.
/// `rate` is rounded to a multiple of 2^-16.
/// @param input [rows, ...] float32 or float64
/// @throws ModelError when rate is outside [0, 1), when step, row or layer do not fit 32 bits, and for CUDA tensors in
///         a build without CUDA.
at::Tensor dropout(const at::Tensor& input, const DropoutKey& key, int64_t layer, double rate);

/// The mask that dropout() draws for a batch of `rows`; nothing when all is kept. @throws ModelError likewise.
std::optional<DropoutMask> dropout_mask(int64_t rows, const DropoutKey& key, int64_t layer, double rate);

}  // namespace causalfm::model
