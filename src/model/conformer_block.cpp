#include "model/conformer_block.hpp"

#include "model/dropout.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

namespace causalfm::model {

ConformerBlock::ConformerBlock(const Scope& scope, const config::Model& settings, int64_t first_layer)
    : last_norm_(scope / "norm", settings.width), dropout_(settings.dropout) {
  const auto& kinds = settings.block;
  for (size_t i = 0; i < kinds.size(); ++i) {
    const auto before = std::count(kinds.begin(), kinds.begin() + static_cast<std::ptrdiff_t>(i), kinds[i]);
    const std::string name = name_of(kinds[i]) + (before == 0 ? "" : std::to_string(before + 1));
    const Scope own = scope / name;
    residuals_.push_back({name, LayerNorm(own / "pre_norm", settings.width), make_sublayer(kinds[i], own, settings),
                          first_layer + static_cast<int64_t>(i)});
  }
}

at::Tensor ConformerBlock::forward(const at::Tensor& input, const SequenceMask& mask, const DropoutKey* key,
                                   const ObservedPlace& place) const {
  at::Tensor state = input;
  for (const Residual& residual : residuals_) {
    const at::Tensor change = residual.sublayer->forward(residual.norm(state), mask);
    (place / residual.name).show(change);
    state = state + (key == nullptr ? change : dropout(change, *key, residual.layer, dropout_));
  }
  const at::Tensor normed = last_norm_(state);
  (place / "norm").show(normed);
  return normed;
}

}  // namespace causalfm::model
