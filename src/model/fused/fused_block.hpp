#pragma once

#include "model/dropout_mask.hpp"
#include "model/fused/fused_sublayer.hpp"
#include "model/kernels/kernels.hpp"

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace causalfm::model {

/// The sublayers of a block one after another for a few curves at a time, so that the state between them stays in the
/// second cache: one node of autograd, and what is cheap is computed again in backward instead of kept.
class FusedBlock : public c10::intrusive_ptr_target {
 public:
  FusedBlock(const Kernels& kernels, std::vector<std::unique_ptr<FusedSublayer>> sublayers)
      : kernels_(&kernels), sublayers_(std::move(sublayers)) {}

  /// A batch of curves.
  struct Call {
    at::Tensor state;                                  ///< [batch, time, width], contiguous
    at::Tensor observed;                               ///< as SequenceMask has it; undefined without a mask
    at::Tensor key_scores;                             ///< likewise
    std::vector<std::optional<DropoutMask>> dropouts;  ///< of each sublayer
  };

  /// All sublayers' in order.
  std::vector<at::Tensor> parameters() const;

  /// [batch, time, width]. @param kept what backward needs is put there; null: nothing is kept
  at::Tensor forward(const Call& call, std::vector<at::Tensor>* kept) const;

  /// The gradients of the parameters; `of_state` [batch, time, width] is written.
  std::vector<at::Tensor> backward(const Call& call, const std::vector<at::Tensor>& kept, const at::Tensor& gradient,
                                   const at::Tensor& of_state) const;

 private:
  const Kernels* kernels_;
  std::vector<std::unique_ptr<FusedSublayer>> sublayers_;
};

/// Records the block in the graph when gradients are on.
at::Tensor apply_fused(const c10::intrusive_ptr<FusedBlock>& block, const FusedBlock::Call& call);

}  // namespace causalfm::model
