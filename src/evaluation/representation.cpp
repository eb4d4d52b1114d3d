#include "evaluation/representation.hpp"

#include <ATen/ATen.h>

namespace causalfm::evaluation {

std::vector<Representation> curve_representations(const data::Source& source) {
  const at::Tensor flux = read_curves(source, all_rows(source), at::kFloat, at::kCPU).flux;
  return {{"raw", flux}, {"fft", at::fft_rfft(flux).abs()}};
}

std::vector<Representation> latent_representations(const Latents& latents, const std::string& prefix) {
  if (!latents.z_instrument.defined()) return {{prefix + "z", latents.z_star}};
  return {{prefix + "z_star", latents.z_star}, {prefix + "z_instr", latents.z_instrument}};
}

}  // namespace causalfm::evaluation
