#pragma once

#include "model/conformer_block.hpp"
#include "model/encoder.hpp"
#include "model/linear.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace causalfm::model {

/// Flux by a Linear to `width` channels plus the time encoding, Conformer blocks, the mean over observed steps, and a
/// Linear to the latent. With model.spectrum a small MLP of the spectrum, features -> 2 width -> width, joins at the
/// pooled vector. Any number of steps; a curve without an observed step pools to zero.
/// A step's state is set to zero where masked before the first block, so that neither flux nor time there matters.
class ConformerEncoder final : public Encoder {
 public:
  ConformerEncoder(const Scope& scope, const config::Model& settings, const SequenceScale& scale, int64_t latent,
                   int64_t number, const BlockComputation& computation);

  at::Tensor forward(const EncoderInput& input, const DropoutKey* key, const ObservedPlace& place) const override;

 private:
  Linear embed_;
  std::vector<ConformerBlock> blocks_;
  std::optional<MultilayerPerceptron> spectrum_;
  Linear latent_;
};

}  // namespace causalfm::model
