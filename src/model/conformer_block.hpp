#pragma once

#include "causalfm/model/model.hpp"
#include "model/fused/fused_block.hpp"
#include "model/layer_norm.hpp"
#include "model/observed_place.hpp"
#include "model/sublayer.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::model {

/// How a block is computed. The numbers are the same to rounding, and with `recompute` the same bits as without.
struct BlockComputation {
  const Kernels* kernels = nullptr;  ///< that serve it; null: none
  bool recompute = false;            ///< keep the block's input for backward and nothing else
};

/// The sublayers of config::Model::block one after another, pre-norm, each with its residual,
/// x <- x + dropout(sublayer(LayerNorm(x))), then a last LayerNorm.
/// A repeated kind is told apart in parameter names by a number: feed_forward, feed_forward2.
class ConformerBlock {
 public:
  /// @param first_layer number of the first sublayer among all of the model, for dropout
  ConformerBlock(const Scope& scope, const config::Model& settings, int64_t first_layer,
                 const BlockComputation& computation);

  /// [batch, time, width] -> the same. @param key null: no dropout
  at::Tensor forward(const at::Tensor& input, const SequenceMask& mask, const DropoutKey* key,
                     const ObservedPlace& place) const;

 private:
  at::Tensor forward_plain(const at::Tensor& input, const SequenceMask& mask, const DropoutKey* key,
                           const ObservedPlace& place) const;
  at::Tensor forward_fused(const at::Tensor& input, const SequenceMask& mask, const DropoutKey* key) const;
  at::Tensor forward_recomputed(const at::Tensor& input, const SequenceMask& mask, const DropoutKey* key) const;

  struct Residual {
    std::string name;
    LayerNorm norm;
    std::unique_ptr<Sublayer> sublayer;
    int64_t layer;
  };

  std::vector<Residual> residuals_;
  LayerNorm last_norm_;
  double dropout_;
  std::optional<FusedBlock> fused_;     ///< none: the plain way
  std::vector<at::Tensor> parameters_;  ///< all of them, where the plain way computes them again; else none
};

}  // namespace causalfm::model
