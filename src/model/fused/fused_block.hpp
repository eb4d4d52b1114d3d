#pragma once

#include "model/dropout_mask.hpp"
#include "model/fused/fused_sublayer.hpp"
#include "model/kernels/kernels.hpp"

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <vector>

namespace causalfm::model {

/// The sublayers of a block one after another for a few curves at a time, so that the state between them stays in the
/// second cache: one node of autograd, and what is cheap is computed again in backward instead of kept.
struct FusedBlock {
  const Kernels* kernels;
  std::vector<std::unique_ptr<FusedSublayer>> sublayers;
  bool recompute = false;  ///< keep the block's input alone; backward computes the rest again, a few curves at a time
};

/// A batch of curves on their way through a block.
struct FusedBatch {
  at::Tensor state;       ///< [batch, time, width], contiguous
  at::Tensor observed;    ///< as SequenceMask has it; undefined without a mask
  at::Tensor key_scores;  ///< likewise
};

/// [batch, time, width]; recorded in the graph when gradients are on.
/// @param dropouts of each sublayer
at::Tensor apply_fused(const FusedBlock& block, const FusedBatch& batch,
                       std::vector<std::optional<DropoutMask>> dropouts);

}  // namespace causalfm::model
