#pragma once

#include <ATen/core/Tensor.h>

namespace causalfm::loss {

/// Mean squared error of every curve over its observed samples: [curves], nan for a curve without any. Local.
/// `reconstructed`, `flux` [curves, time]; `mask` [curves, time] bool, undefined: all observed.
at::Tensor curve_errors(const at::Tensor& reconstructed, const at::Tensor& flux, const at::Tensor& mask);

}  // namespace causalfm::loss
