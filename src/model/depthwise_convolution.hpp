#pragma once

#include <ATen/core/Tensor.h>

namespace causalfm::model {

/// out[b, t, c] = bias[c] + sum_j weight[j, c] input[b, t + j - kernel / 2, c], steps beyond the ends count as zero.
/// @param input [batch, time, width], contiguous
/// @param weight [kernel, width], kernel odd: channels are neighbours in memory as they are in `input`, so that no
///        transposed copy is needed
/// @param bias [width]
/// On the CPU in float32 and float64 by own loops, on a GPU by own kernels; elsewhere by at::conv1d. Forward and
/// backward at width 64, T = 100, kernel 31 in float32 on one Zen 4 core: 20 us a curve, where at::conv1d takes 337
/// (both at 96 curves) and at::conv2d in channels-last 108 (at 192). Bits depend neither on the number of threads nor,
/// but for the gradients of weight and bias, on the other curves.
at::Tensor depthwise_convolution(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias);

/// The same by at::conv1d on a transposed view: what serves other devices and dtypes and kernels beyond the shared
/// memory of a GPU, and the reference for the tests.
at::Tensor depthwise_convolution_by_conv1d(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace causalfm::model
