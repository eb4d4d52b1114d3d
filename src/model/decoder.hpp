#pragma once

#include "causalfm/config/config.hpp"
#include "model/linear.hpp"
#include "model/observed_place.hpp"

#include <cstdint>
#include <optional>

namespace causalfm::model {

/// F_hat = D(g_star(z_star) * g_instrument(z_instrument)), element by element (paper, section 3); D(g_star(z_star)) for
/// a single latent. The gates g are MLPs latent -> width -> width, D is width -> 2 width -> 4 width -> T.
/// An observation latent is not a third factor: what it has to carry, phases, is no gain of star times instrument. Its
/// gate's output is joined to the product, and D's input is 2 width.
class Decoder {
 public:
  Decoder(const Scope& scope, const config::Model& settings, int64_t length);

  /// [batch, length]; `z_instrument` and `z_observation` are undefined for a model without them.
  at::Tensor operator()(const at::Tensor& z_star, const at::Tensor& z_instrument, const at::Tensor& z_observation,
                        const ObservedPlace& place) const;

 private:
  MultilayerPerceptron star_;
  std::optional<MultilayerPerceptron> instrument_;
  std::optional<MultilayerPerceptron> observation_;
  MultilayerPerceptron layers_;
};

}  // namespace causalfm::model
