#include "evaluation/representation.hpp"

#include <ATen/ATen.h>

#include <numeric>

namespace causalfm::evaluation {

std::vector<Representation> curve_representations(const data::Source& source) {
  std::vector<int64_t> rows(static_cast<size_t>(source.rows()));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  const at::Tensor flux = read_curves(source, rows, at::kFloat, at::kCPU).flux;
  return {{"raw", flux}, {"fft", at::fft_rfft(flux).abs()}};
}

std::vector<Representation> latent_representations(const Latents& latents, const std::string& prefix) {
  if (!latents.z_instrument.defined()) return {{prefix + "z", latents.z_star}};
  return {{prefix + "z_star", latents.z_star}, {prefix + "z_instr", latents.z_instrument}};
}

}  // namespace causalfm::evaluation
