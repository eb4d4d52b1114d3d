#include "model/encoder.hpp"

#include "model/conformer_encoder.hpp"
#include "model/mlp_encoder.hpp"

namespace causalfm::model {

std::unique_ptr<Encoder> make_encoder(const Scope& scope, const config::Model& settings, const SequenceScale& scale,
                                      int64_t latent, int64_t number, const BlockComputation& computation) {
  if (settings.encoder == config::EncoderKind::mlp) {
    return std::make_unique<MlpEncoder>(scope, settings, scale, latent);
  }
  return std::make_unique<ConformerEncoder>(scope, settings, scale, latent, number, computation);
}

}  // namespace causalfm::model
