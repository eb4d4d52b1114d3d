#include "model/conformer_block.hpp"

#include "model/dropout.hpp"
#include "model/fused/fused_sublayers.hpp"
#include "model/recomputed.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace causalfm::model {

ConformerBlock::ConformerBlock(const Scope& scope, const config::Model& settings, int64_t first_layer,
                               const BlockComputation& computation)
    : last_norm_(scope / "norm", settings.width), dropout_(settings.dropout) {
  const auto& kinds = settings.block;
  for (size_t i = 0; i < kinds.size(); ++i) {
    const auto before = std::count(kinds.begin(), kinds.begin() + static_cast<std::ptrdiff_t>(i), kinds[i]);
    const std::string name = name_of(kinds[i]) + (before == 0 ? "" : std::to_string(before + 1));
    const Scope own = scope / name;
    residuals_.push_back({name, LayerNorm(own / "pre_norm", settings.width), make_sublayer(kinds[i], own, settings),
                          first_layer + static_cast<int64_t>(i)});
  }
  if (computation.kernels == nullptr) {
    if (computation.recompute) parameters_ = scope.parameters();
    return;
  }
  fused_.emplace(FusedBlock{computation.kernels, {}, computation.recompute});
  for (const Residual& residual : residuals_) {
    fused_->sublayers.push_back(residual.sublayer->fused(residual.norm));
  }
  fused_->sublayers.push_back(fused_norm(last_norm_.parameters()));
}

at::Tensor ConformerBlock::forward_plain(const at::Tensor& input, const SequenceMask& mask, const DropoutKey* key,
                                         const ObservedPlace& place) const {
  at::Tensor state = input;
  for (const Residual& residual : residuals_) {
    const at::Tensor change = residual.sublayer->forward(residual.norm(state), mask);
    (place / residual.name).show(change);
    state = state + (key == nullptr ? change : dropout(change, *key, residual.layer, dropout_));
  }
  at::Tensor normed = last_norm_(state);
  (place / "norm").show(normed);
  return normed;
}

at::Tensor ConformerBlock::forward_fused(const at::Tensor& input, const SequenceMask& mask,
                                         const DropoutKey* key) const {
  std::vector<std::optional<DropoutMask>> dropouts(residuals_.size() + 1);
  for (size_t i = 0; i < residuals_.size() && key != nullptr; ++i) {
    dropouts[i] = dropout_mask(input.size(0), *key, residuals_[i].layer, dropout_);
  }
  return apply_fused(*fused_, {input.contiguous(), mask.observed(), mask.key_scores()}, std::move(dropouts));
}

at::Tensor ConformerBlock::forward_recomputed(const at::Tensor& input, const SequenceMask& mask,
                                              const DropoutKey* key) const {
  const std::optional<DropoutKey> own_key = key == nullptr ? std::nullopt : std::optional(*key);
  return recomputed(input, parameters_, [this, mask, own_key](const at::Tensor& state) {
    return forward_plain(state, mask, own_key ? &*own_key : nullptr, {});
  });
}

at::Tensor ConformerBlock::forward(const at::Tensor& input, const SequenceMask& mask, const DropoutKey* key,
                                   const ObservedPlace& place) const {
  if (place.sublayers_seen() || (!fused_ && parameters_.empty())) return forward_plain(input, mask, key, place);
  at::Tensor output = fused_ ? forward_fused(input, mask, key) : forward_recomputed(input, mask, key);
  place.show(output);
  return output;
}

}  // namespace causalfm::model
