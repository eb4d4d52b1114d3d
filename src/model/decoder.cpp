#include "model/decoder.hpp"

#include <ATen/ATen.h>

#include <vector>

namespace causalfm::model {

Decoder::Decoder(const Scope& scope, const config::Model& settings, int64_t length)
    : star_(scope / "gate_star", {settings.latent, settings.width, settings.width}),
      layers_(scope, {settings.observation_latent > 0 ? 2 * settings.width : settings.width, 2 * settings.width,
                      4 * settings.width, length}) {
  if (settings.latents == config::Latents::dual) {
    instrument_.emplace(scope / "gate_instrument",
                        std::vector<int64_t>{settings.latent, settings.width, settings.width});
  }
  if (settings.observation_latent > 0) {
    observation_.emplace(scope / "gate_observation",
                         std::vector<int64_t>{settings.observation_latent, settings.width, settings.width});
  }
}

at::Tensor Decoder::operator()(const at::Tensor& z_star, const at::Tensor& z_instrument,
                               const at::Tensor& z_observation, const ObservedPlace& place) const {
  at::Tensor gated = star_(z_star, place / "star gate");
  if (instrument_) {
    gated = gated * (*instrument_)(z_instrument, place / "instrument gate");
    (place / "product of gates").show(gated);
  }
  if (observation_) {
    gated = at::cat({gated, (*observation_)(z_observation, place / "observation gate")}, 1);
  }
  return layers_(gated, place);
}

}  // namespace causalfm::model
