#pragma once

#include "causalfm/loss/info_nce.hpp"

#include <ATen/core/Tensor.h>

namespace causalfm::loss {

/// The definition of InfoNCE in loops over anchors and keys, in extended precision: nothing shared with the library.
double info_nce_in_loops(const at::Tensor& projection, const ContrastLabels& labels, const InfoNceOptions& options);

/// The same from the whole matrix of similarities with ATen's autograd, for gradients.
at::Tensor info_nce_of_matrix(const at::Tensor& projection, const ContrastLabels& labels,
                              const InfoNceOptions& options);

/// Gradient of info_nce_of_matrix at `projection`, in double.
at::Tensor reference_gradient(const at::Tensor& projection, const ContrastLabels& labels,
                              const InfoNceOptions& options);

}  // namespace causalfm::loss
