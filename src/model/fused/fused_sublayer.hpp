#pragma once

#include "model/dropout_mask.hpp"
#include "model/kernels/kernels.hpp"
#include "model/sequence_mask.hpp"

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace causalfm::model {

/// One call of a fused sublayer on a batch of curves.
struct FusedCall {
  const Kernels* kernels;
  at::Tensor state;       ///< [batch, time, width], contiguous
  at::Tensor observed;    ///< as SequenceMask has it; undefined without a mask
  at::Tensor key_scores;  ///< likewise
  std::optional<DropoutMask> dropout;

  int64_t curves() const { return state.size(0); }
  int64_t time() const { return state.size(1); }
  int64_t width() const { return state.size(2); }

  /// The curves [first, first + count) as the kernels take them.
  CurveRun run(int64_t first, int64_t count) const;
};

/// A whole residual sublayer, state + dropout(sublayer(norm(state))), by the kernels of model/kernels: one node of
/// autograd instead of ten, and what is cheap is computed again in backward instead of kept.
class FusedSublayer : public c10::intrusive_ptr_target {
 public:
  explicit FusedSublayer(std::vector<at::Tensor> parameters) : parameters_(std::move(parameters)) {}

  /// In the order of their gradients.
  const std::vector<at::Tensor>& parameters() const { return parameters_; }

  /// @param saved what backward needs is put here; null: nothing is kept
  virtual at::Tensor forward(const FusedCall& call, std::vector<at::Tensor>* saved) const = 0;

  /// The gradients of the parameters; `of_state` [batch, time, width] is written.
  virtual std::vector<at::Tensor> backward(const FusedCall& call, const std::vector<at::Tensor>& saved,
                                           const at::Tensor& gradient, const at::Tensor& of_state) const = 0;

 protected:
  const at::Tensor& parameter(size_t number) const { return parameters_[number]; }
  Norm norm(size_t weight) const;  ///< whose bias follows its weight

 private:
  std::vector<at::Tensor> parameters_;
};

/// Records `sublayer` in the graph when gradients are on.
at::Tensor apply_fused(const c10::intrusive_ptr<FusedSublayer>& sublayer, const FusedCall& call);

}  // namespace causalfm::model
