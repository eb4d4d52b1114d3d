#pragma once

#include "model/encoder.hpp"
#include "model/linear.hpp"

#include <cstdint>

namespace causalfm::model {

/// The flux (0 where masked; shorter curves padded with zeros to the scale's length T), joined by the spectrum's
/// features if model.spectrum asks for them, through two hidden layers of 4 width: 100 -> 256 -> 256 -> 20 at the
/// paper's sizes. It sees no times and has no dropout, for it has no residual sublayers.
class MlpEncoder final : public Encoder {
 public:
  MlpEncoder(const Scope& scope, const config::Model& settings, const SequenceScale& scale, int64_t latent);

  at::Tensor forward(const EncoderInput& input, const DropoutKey* key, const ObservedPlace& place) const override;

 private:
  int64_t length_;
  MultilayerPerceptron layers_;
};

}  // namespace causalfm::model
