#pragma once

#include "causalfm/config/config.hpp"
#include "model/fused/fused_sublayer.hpp"
#include "model/layer_norm.hpp"
#include "model/scope.hpp"
#include "model/sequence_mask.hpp"

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

namespace causalfm::model {

/// What a block is made of. The block adds norm, dropout and residual.
class Sublayer {
 public:
  virtual ~Sublayer() = default;

  /// [batch, time, width] -> the same shape. Masked steps of `input` are finite and reach no observed step of the
  /// result.
  virtual at::Tensor forward(const at::Tensor& input, const SequenceMask& mask) const = 0;

  /// Itself with this norm, dropout and residual as kernels compute it, sharing its parameters; for a model that
  /// kernels serve (kernel_choice.hpp).
  virtual std::unique_ptr<FusedSublayer> fused(const LayerNorm& norm) const = 0;
};

/// Its name in parameter names: attention, lstm, convolution, feed_forward.
std::string name_of(config::Sublayer kind);

std::unique_ptr<Sublayer> make_sublayer(config::Sublayer kind, const Scope& scope, const config::Model& settings);

}  // namespace causalfm::model
