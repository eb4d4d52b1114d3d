#pragma once

#include "causalfm/config/config.hpp"
#include "model/kernels/kernels.hpp"

#include <ATen/core/Tensor.h>

namespace causalfm::model {

/// The kernels that serve such a model on this processor; null where LibTorch's operations do: on a GPU, in float64,
/// for an encoder without Conformer blocks, and where model.width or model.feed_forward is no multiple of 16.
/// @throws ModelError when an instruction set is asked for that the processor lacks.
const Kernels* choose_kernels(config::KernelKind kind, Products products, const config::Model& settings,
                              const at::TensorOptions& options);

}  // namespace causalfm::model
