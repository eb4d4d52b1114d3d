#include "causalfm/model/model.hpp"

#include "model/check.hpp"
#include "model/decoder.hpp"
#include "model/encoder.hpp"
#include "model/kernel_choice.hpp"
#include "model/linear.hpp"
#include "model/observed_place.hpp"
#include "model/spectrum.hpp"
#include "model/time_encoding.hpp"

#include <ATen/ATen.h>

#include <optional>

namespace causalfm::model {

/// An undefined member belongs to a latent or an input that the settings leave out.
struct CausalModel::Networks {
  Networks(const config::Model& settings, const SequenceScale& scale, uint64_t seed, const at::TensorOptions& options,
           config::KernelKind kernel_kind, Products products, bool recompute_blocks);

  EncoderInput prepare(const Curves& curves) const;
  Outputs encode(const Curves& curves, const DropoutKey* key, const ObservedPlace& place) const;

  config::Model settings;
  SequenceScale scale;
  Parameters parameters;
  const Kernels* kernels = nullptr;  ///< null: LibTorch's operations alone
  std::optional<TimeEncoding> time_encoding;
  std::optional<Spectrum> spectrum;
  std::unique_ptr<Encoder> encoder_star;
  std::unique_ptr<Encoder> encoder_instrument;
  std::unique_ptr<Encoder> encoder_observation;
  std::optional<MultilayerPerceptron> projection_star;
  std::optional<MultilayerPerceptron> projection_instrument;
  std::optional<Decoder> decoder;
};

CausalModel::Networks::Networks(const config::Model& settings, const SequenceScale& scale, uint64_t seed,
                                const at::TensorOptions& options, config::KernelKind kernel_kind, Products products,
                                bool recompute_blocks)
    : settings(settings), scale(scale), parameters(options) {
  check_settings(settings, scale, options);
  if (settings.encoder == config::EncoderKind::conformer) {
    time_encoding.emplace(scale, settings.width, options);
  }
  if (settings.spectrum != config::Spectrum::none) {
    spectrum.emplace(scale.length, options);
  }
  const Scope scope(parameters, seed, products);
  kernels = choose_kernels(kernel_kind, products, settings, options);
  const BlockComputation computation{kernels, recompute_blocks};
  const std::vector<int64_t> head = {settings.latent, settings.width, settings.width};
  encoder_star = make_encoder(scope / "encoder_star", settings, scale, settings.latent, 0, computation);
  projection_star.emplace(scope / "projection_star", head);
  if (settings.latents == config::Latents::dual) {
    encoder_instrument = make_encoder(scope / "encoder_instrument", settings, scale, settings.latent, 1, computation);
    projection_instrument.emplace(scope / "projection_instrument", head);
  }
  if (settings.observation_latent > 0) {
    encoder_observation =
        make_encoder(scope / "encoder_observation", settings, scale, settings.observation_latent, 2, computation);
  }
  decoder.emplace(scope / "decoder", settings, scale.length);
  parameters.seal();
}

EncoderInput CausalModel::Networks::prepare(const Curves& curves) const {
  check_curves(curves, settings, scale, parameters.options());
  EncoderInput input;
  at::Tensor time = curves.time;
  input.flux = curves.flux;
  if (curves.mask.defined()) {
    // Not a product: what lies under a mask may be NaN.
    input.flux = at::where(curves.mask, curves.flux, 0);
    time = time.dim() == 2 ? at::where(curves.mask, time, 0) : time;
    input.mask = SequenceMask(curves.mask, curves.flux.scalar_type());
  }
  if (time_encoding) {
    input.time_encoding = (*time_encoding)(time);
  }
  if (spectrum) {
    input.spectrum = (*spectrum)(input.flux);
  }
  return input;
}

Outputs CausalModel::Networks::encode(const Curves& curves, const DropoutKey* key, const ObservedPlace& place) const {
  const EncoderInput input = prepare(curves);
  (place / "flux").show(input.flux);
  Outputs outputs;
  outputs.z_star = encoder_star->forward(input, key, place / "star encoder");
  if (encoder_instrument) {
    outputs.z_instrument = encoder_instrument->forward(input, key, place / "instrument encoder");
  }
  if (encoder_observation) {
    outputs.z_observation = encoder_observation->forward(input, key, place / "observation encoder");
  }
  return outputs;
}

CausalModel::CausalModel(const config::Model& settings, const SequenceScale& scale, uint64_t seed,
                         at::TensorOptions options, config::KernelKind kernels, Products products,
                         bool recompute_blocks)
    : networks_(std::make_unique<Networks>(settings, scale, seed, options, kernels, products, recompute_blocks)) {}

CausalModel::~CausalModel() = default;
CausalModel::CausalModel(CausalModel&&) noexcept = default;

Outputs CausalModel::forward(const Curves& curves, const DropoutKey* dropout, Observer* observer) const {
  const ObservedPlace place(observer);
  Outputs outputs = networks_->encode(curves, dropout, place);
  outputs.projection_star = (*networks_->projection_star)(outputs.z_star, place / "star projection");
  if (networks_->projection_instrument) {
    outputs.projection_instrument =
        (*networks_->projection_instrument)(outputs.z_instrument, place / "instrument projection");
  }
  outputs.reconstructed =
      (*networks_->decoder)(outputs.z_star, outputs.z_instrument, outputs.z_observation, place / "decoder");
  return outputs;
}

Outputs CausalModel::encode(const Curves& curves) const { return networks_->encode(curves, nullptr, {}); }

at::Tensor CausalModel::decode(const at::Tensor& z_star, const at::Tensor& z_instrument,
                               const at::Tensor& z_observation) const {
  const config::Model& settings = networks_->settings;
  const at::TensorOptions& options = networks_->parameters.options();
  const int64_t batch = z_star.defined() && z_star.dim() > 0 ? z_star.size(0) : 0;
  check_latent(z_star, "z_star", batch, settings.latent, options);
  if (settings.latents == config::Latents::dual) {
    check_latent(z_instrument, "z_instrument", batch, settings.latent, options);
  }
  if (settings.observation_latent > 0) {
    check_latent(z_observation, "z_observation", batch, settings.observation_latent, options);
  }
  return (*networks_->decoder)(z_star, z_instrument, z_observation, {});
}

Parameters& CausalModel::parameters() { return networks_->parameters; }
const Parameters& CausalModel::parameters() const { return networks_->parameters; }
const SequenceScale& CausalModel::scale() const { return networks_->scale; }

std::string CausalModel::kernels() const {
  return networks_->kernels == nullptr ? "plain" : networks_->kernels->instruction_set;
}

}  // namespace causalfm::model
