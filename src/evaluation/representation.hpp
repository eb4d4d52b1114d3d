#pragma once

#include "causalfm/data/source.hpp"
#include "evaluation/encode.hpp"

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace causalfm::evaluation {

/// What a regressor sees of every curve of a data set: latents, or the curve itself.
struct Representation {
  std::string name;     ///< as in the report: raw, fft, z_star, STEM/z_star, …
  at::Tensor features;  ///< [rows of the source, numbers] float32
};

/// `raw`, the flux with 0 where masked, and `fft`, the length / 2 + 1 amplitudes of its discrete Fourier transform.
std::vector<Representation> curve_representations(const data::Source& source);

/// The latents of a model under the names of the report: z_star and z_instr with `prefix` before them, or z for a
/// single-latent model.
std::vector<Representation> latent_representations(const Latents& latents, const std::string& prefix);

}  // namespace causalfm::evaluation
