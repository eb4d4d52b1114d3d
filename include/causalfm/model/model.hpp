#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/model/observer.hpp"
#include "causalfm/model/parameters.hpp"
#include "causalfm/model/products.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

namespace causalfm::model {

/// What of the training set the networks need to know; stored with the weights.
struct SequenceScale {
  int64_t length = 0;           ///< T, samples a curve
  double span = 0.0;            ///< largest time since a curve's first cadence
  double median_cadence = 0.0;  ///< median time between consecutive observed samples
};

/// Light curves as the encoders see them.
struct Curves {
  at::Tensor flux;  ///< [batch, time], the model's dtype; values under the mask are ignored
  at::Tensor time;  ///< [batch, time] or [time], the model's dtype, days since the curve's first cadence
  at::Tensor mask;  ///< [batch, time] bool, true where observed; undefined: all is observed
};

/// Which dropout masks to draw: a function of (seed, step, global row, layer, element), so that they do not depend on
/// how a batch is divided over ranks.
struct DropoutKey {
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t first_row = 0;  ///< of these curves in the global batch
};

/// What the networks compute for a batch of curves. A single-latent model has its one latent in z_star and
/// projection_star and leaves the instrument's undefined.
struct Outputs {
  at::Tensor z_star;                 ///< [batch, latent]
  at::Tensor z_instrument;           ///< [batch, latent]
  at::Tensor z_observation;          ///< [batch, observation_latent]; undefined without one
  at::Tensor projection_star;        ///< [batch, width], not normalised; for the contrastive loss only
  at::Tensor projection_instrument;  ///< [batch, width]
  at::Tensor reconstructed;          ///< [batch, length of the scale]
};

/// The causal model of the paper: encoders of one architecture and separate weights, projection heads, and a decoder
/// of the product of the gated latents, F_hat = D(g_star(z_star) * g_instr(z_instr)) (paper, section 3); an observation
/// latent, where there is one, joins the product as further inputs of D.
/// Rows do not know one another: no statistics of the batch, so outputs do not depend on how rows are grouped. Neither
/// what lies under a mask nor masked steps added at the end change an output.
/// Knows no rank and has no state but its parameters: threads may each use a model of their own.
class CausalModel {
 public:
  /// Draws initial weights from (seed, parameter name) alone: equal on every rank and machine, and in float32 and
  /// float64 up to rounding. @param options dtype float32 or float64, and the device
  /// @param kernels what may serve a Conformer's sublayers where they are in float32 on the CPU
  /// @param products of the encoders, bfloat16 where the dtype is float32 only
  /// @param recompute_blocks of a Conformer block keep the input alone for backward, which computes the rest again:
  /// less
  ///        memory, more time, the same bits
  /// @throws ModelError when the settings cannot be built, naming the key.
  CausalModel(const config::Model& settings, const SequenceScale& scale, uint64_t seed, at::TensorOptions options,
              config::KernelKind kernels = config::Runtime{}.kernels, Products products = Products::full,
              bool recompute_blocks = false);
  ~CausalModel();
  CausalModel(CausalModel&&) noexcept;

  /// With `dropout`: as in training. Without: deterministic, for validation and inference. Gradients are recorded when
  /// autograd is on (at::NoGradGuard turns it off). Curves may be shorter than the scale's length, and longer where the
  /// encoder is a Conformer without spectrum; the reconstruction has the scale's length.
  /// @param observer is shown the flux and then the output of every sublayer; null: no cost
  /// @throws ModelError when shapes, dtype or device do not fit, or a batch is empty.
  Outputs forward(const Curves& curves, const DropoutKey* dropout = nullptr, Observer* observer = nullptr) const;

  /// Latents only: no projection, no decoder.
  Outputs encode(const Curves& curves) const;

  /// [batch, length of the scale] from latents; what swap errors and counterfactuals use. Latents that the model does
  /// not have are ignored. @throws ModelError when shapes or dtype do not fit.
  at::Tensor decode(const at::Tensor& z_star, const at::Tensor& z_instrument, const at::Tensor& z_observation) const;

  Parameters& parameters();
  const Parameters& parameters() const;
  const SequenceScale& scale() const;

  /// The instruction set of the kernels that compute the Conformers' blocks, or "plain" for LibTorch's operations.
  std::string kernels() const;

 private:
  struct Networks;
  std::unique_ptr<Networks> networks_;
};

/// The instruction set of the kernels that such a setting chooses on this processor, or "plain" where LibTorch's
/// operations serve instead. @throws ModelError when an instruction set is asked for that the processor lacks.
std::string kernel_instruction_set(config::KernelKind kind, Products products = Products::full);

}  // namespace causalfm::model
