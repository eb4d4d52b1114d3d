#include "model/mlp_encoder.hpp"

#include "model/spectrum.hpp"

#include <ATen/ATen.h>

namespace causalfm::model {
namespace {

int64_t features_of(const config::Model& settings, int64_t length) {
  return settings.spectrum == config::Spectrum::none ? length : length + Spectrum(length, at::kDouble).features();
}

}  // namespace

MlpEncoder::MlpEncoder(const Scope& scope, const config::Model& settings, const SequenceScale& scale, int64_t latent)
    : length_(scale.length),
      layers_(scope, {features_of(settings, scale.length), 4 * settings.width, 4 * settings.width, latent},
              scope.products()) {}

at::Tensor MlpEncoder::forward(const EncoderInput& input, const DropoutKey*, const ObservedPlace& place) const {
  const at::Tensor flux = at::constant_pad_nd(input.flux, {0, length_ - input.flux.size(1)});
  return layers_(input.spectrum.defined() ? at::cat({flux, input.spectrum}, 1) : flux, place);
}

}  // namespace causalfm::model
