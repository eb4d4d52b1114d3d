#include "model/conformer_block.hpp"

#include "model/dropout.hpp"
#include "model/fused/fused_sublayers.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <string>

namespace causalfm::model {

ConformerBlock::ConformerBlock(const Scope& scope, const config::Model& settings, int64_t first_layer,
                               const Kernels* kernels)
    : kernels_(kernels), last_norm_(scope / "norm", settings.width), dropout_(settings.dropout) {
  if (kernels != nullptr) fused_last_norm_ = fused_norm(last_norm_.parameters());
  const auto& kinds = settings.block;
  for (size_t i = 0; i < kinds.size(); ++i) {
    const auto before = std::count(kinds.begin(), kinds.begin() + static_cast<std::ptrdiff_t>(i), kinds[i]);
    const std::string name = name_of(kinds[i]) + (before == 0 ? "" : std::to_string(before + 1));
    const Scope own = scope / name;
    residuals_.push_back({name,
                          LayerNorm(own / "pre_norm", settings.width),
                          make_sublayer(kinds[i], own, settings),
                          {},
                          first_layer + static_cast<int64_t>(i)});
    if (kernels != nullptr) residuals_.back().fused = residuals_.back().sublayer->fused(residuals_.back().norm);
  }
}

at::Tensor ConformerBlock::forward_plain(const Residual& residual, const at::Tensor& state, const SequenceMask& mask,
                                         const DropoutKey* key, const ObservedPlace& place) const {
  const at::Tensor change = residual.sublayer->forward(residual.norm(state), mask);
  (place / residual.name).show(change);
  return state + (key == nullptr ? change : dropout(change, *key, residual.layer, dropout_));
}

at::Tensor ConformerBlock::forward_fused(const Residual& residual, const at::Tensor& state, const SequenceMask& mask,
                                         const DropoutKey* key) const {
  return apply_fused(residual.fused,
                     {kernels_, state.contiguous(), mask.observed(), mask.key_scores(),
                      key == nullptr ? std::nullopt : dropout_mask(state.size(0), *key, residual.layer, dropout_)});
}

at::Tensor ConformerBlock::forward(const at::Tensor& input, const SequenceMask& mask, const DropoutKey* key,
                                   const ObservedPlace& place) const {
  at::Tensor state = input;
  for (const Residual& residual : residuals_) {
    state = residual.fused && !place.observed() ? forward_fused(residual, state, mask, key)
                                                : forward_plain(residual, state, mask, key, place);
  }
  const at::Tensor normed = fused_last_norm_ && !place.observed()
                                ? apply_fused(fused_last_norm_, {kernels_, state.contiguous(), {}, {}, {}})
                                : last_norm_(state);
  (place / "norm").show(normed);
  return normed;
}

}  // namespace causalfm::model
