#include "model/conformer_encoder.hpp"

#include "model/spectrum.hpp"

#include <ATen/ATen.h>

#include <string>

namespace causalfm::model {

ConformerEncoder::ConformerEncoder(const Scope& scope, const config::Model& settings, const SequenceScale& scale,
                                   int64_t latent, int64_t number, const BlockComputation& computation)
    : embed_(scope / "embed", 1, settings.width),
      latent_(scope / "latent", settings.spectrum == config::Spectrum::none ? settings.width : 2 * settings.width,
              latent) {
  const auto sublayers = static_cast<int64_t>(settings.block.size());
  for (int64_t i = 0; i < settings.blocks; ++i) {
    blocks_.emplace_back(scope / ("block" + std::to_string(i)), settings, (number * settings.blocks + i) * sublayers,
                         computation);
  }
  if (settings.spectrum != config::Spectrum::none) {
    const int64_t features = Spectrum(scale.length, at::kDouble).features();
    spectrum_.emplace(scope / "spectrum", std::vector<int64_t>{features, 2 * settings.width, settings.width});
  }
}

at::Tensor ConformerEncoder::forward(const EncoderInput& input, const DropoutKey* key,
                                     const ObservedPlace& place) const {
  at::Tensor state = input.mask.zero_masked(embed_(input.flux.unsqueeze(-1)) + input.time_encoding);
  (place / "embedding").show(state);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    state = blocks_[i].forward(state, input.mask, key, place.part("block", static_cast<int64_t>(i)));
  }
  at::Tensor pooled = input.mask.mean(state);
  (place / "pooling").show(pooled);
  if (spectrum_) {
    pooled = at::cat({pooled, (*spectrum_)(input.spectrum, place / "spectrum")}, 1);
  }
  const at::Tensor latent = latent_(pooled);
  (place / "latent").show(latent);
  return latent;
}

}  // namespace causalfm::model
