#pragma once

#include "causalfm/model/model.hpp"
#include "model/conformer_block.hpp"
#include "model/observed_place.hpp"
#include "model/scope.hpp"
#include "model/sequence_mask.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

namespace causalfm::model {

/// A batch of curves prepared once for all encoders.
struct EncoderInput {
  at::Tensor flux;           ///< [batch, time], zero where masked
  at::Tensor time_encoding;  ///< [batch, time, width] or [time, width], finite; undefined for an encoder without it
  at::Tensor spectrum;       ///< [batch, features]; undefined with model.spectrum none
  SequenceMask mask;
};

/// Curves -> latents.
class Encoder {
 public:
  virtual ~Encoder() = default;

  /// [batch, latent]. @param key null: no dropout
  virtual at::Tensor forward(const EncoderInput& input, const DropoutKey* key, const ObservedPlace& place) const = 0;
};

/// The encoder of model.encoder with `latent` outputs.
/// @param number of this encoder in the model, so that its dropout masks are its own
/// @param computation of its Conformer blocks
std::unique_ptr<Encoder> make_encoder(const Scope& scope, const config::Model& settings, const SequenceScale& scale,
                                      int64_t latent, int64_t number, const BlockComputation& computation);

}  // namespace causalfm::model
