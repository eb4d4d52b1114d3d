#include "model/check.hpp"

#include "causalfm/model/error.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <sstream>
#include <string>

namespace causalfm::model {
namespace {

void require(bool holds, const std::string& sentence) {
  if (!holds) {
    throw ModelError(sentence);
  }
}

std::string describe(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return "nothing";
  }
  std::ostringstream text;
  text << tensor.sizes() << " " << c10::toString(tensor.scalar_type()) << " on " << tensor.device();
  return text.str();
}

bool fits(const at::Tensor& tensor, at::ScalarType dtype, at::Device device) {
  return tensor.defined() && tensor.scalar_type() == dtype && tensor.device().type() == device.type();
}

std::string type_and_place(const at::TensorOptions& options) {
  std::ostringstream text;
  text << c10::toString(options.dtype().toScalarType()) << " on " << options.device();
  return text.str();
}

void check_sizes(const config::Model& settings) {
  const auto positive = [](int64_t value, const char* key) {
    require(value > 0, std::string(key) + " is " + std::to_string(value) + "; it must be positive");
  };
  positive(settings.width, "model.width");
  positive(settings.latent, "model.latent");
  require(settings.observation_latent >= 0, "model.observation_latent is negative; 0 leaves it out");
  require(settings.dropout >= 0.0 && settings.dropout < 1.0,
          "model.dropout is " + std::to_string(settings.dropout) + "; it must be in [0, 1)");
  if (settings.encoder == config::EncoderKind::mlp) {
    return;
  }
  positive(settings.heads, "model.heads");
  positive(settings.feed_forward, "model.feed_forward");
  positive(settings.blocks, "model.blocks");
  positive(settings.kernel, "model.kernel");
  require(settings.width % settings.heads == 0, "model.width " + std::to_string(settings.width) +
                                                    " is not a multiple of model.heads " +
                                                    std::to_string(settings.heads));
  require(settings.width % 2 == 0, "model.width " + std::to_string(settings.width) +
                                       " is odd; the time encoding needs sine and cosine in pairs");
  require(settings.kernel % 2 == 1, "model.kernel " + std::to_string(settings.kernel) +
                                        " is even; an odd kernel has a middle to lie on its step");
  require(!settings.block.empty(), "model.block is empty; name at least one sublayer");
}

}  // namespace

void check_settings(const config::Model& settings, const SequenceScale& scale, const at::TensorOptions& options) {
  check_sizes(settings);
  require(scale.length > 0, "the sequence scale has length " + std::to_string(scale.length) +
                                "; take it from the training set, at least one sample a curve");
  require(std::isfinite(scale.span) && scale.span > 0.0 && std::isfinite(scale.median_cadence) &&
              scale.median_cadence > 0.0,
          "the sequence scale has span " + std::to_string(scale.span) + " and median cadence " +
              std::to_string(scale.median_cadence) + "; both must be positive times of the training set");
  const auto dtype = options.dtype().toScalarType();
  require(dtype == at::kFloat || dtype == at::kDouble,
          std::string("a model of ") + c10::toString(dtype) + " is asked for; parameters are float32 or float64");
}

void check_curves(const Curves& curves, const config::Model& settings, const SequenceScale& scale,
                  const at::TensorOptions& options) {
  const auto dtype = options.dtype().toScalarType();
  require(
      fits(curves.flux, dtype, options.device()) && curves.flux.dim() == 2 && curves.flux.numel() > 0,
      "flux is " + describe(curves.flux) + "; the model takes [batch, time], not empty, of " + type_and_place(options));
  const int64_t time = curves.flux.size(1);
  const bool any_length =
      settings.encoder == config::EncoderKind::conformer && settings.spectrum == config::Spectrum::none;
  require(any_length || time <= scale.length,
          "curves of " + std::to_string(time) + " samples are longer than the model's " + std::to_string(scale.length) +
              "; only a Conformer without model.spectrum takes longer ones");
  const bool time_fits = fits(curves.time, dtype, options.device()) &&
                         (curves.time.sizes() == curves.flux.sizes() || curves.time.sizes() == at::IntArrayRef{time});
  require(time_fits, "time is " + describe(curves.time) + " and flux " + describe(curves.flux) +
                         "; time must be [time] or [batch, time] of the same dtype and device");
  if (curves.mask.defined()) {
    require(fits(curves.mask, at::kBool, options.device()) && curves.mask.sizes() == curves.flux.sizes(),
            "mask is " + describe(curves.mask) + " and flux " + describe(curves.flux) +
                "; mask must be [batch, time] bool on the same device, or undefined");
  }
}

void check_latent(const at::Tensor& latent, const char* name, int64_t batch, int64_t size,
                  const at::TensorOptions& options) {
  require(fits(latent, options.dtype().toScalarType(), options.device()) &&
              latent.sizes() == at::IntArrayRef({batch, size}),
          std::string(name) + " is " + describe(latent) + "; decode() takes [" + std::to_string(batch) + ", " +
              std::to_string(size) + "] of " + type_and_place(options));
}

}  // namespace causalfm::model
