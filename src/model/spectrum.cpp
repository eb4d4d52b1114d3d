#include "model/spectrum.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace causalfm::model {
namespace {

constexpr double amplitude_floor = 0.01;

}  // namespace

Spectrum::Spectrum(int64_t length, const at::TensorOptions& options)
    : length_(length), window_(at::hann_window(length, at::kDouble).to(options)) {}

at::Tensor Spectrum::operator()(const at::Tensor& flux) const {
  const at::Tensor windowed = flux * window_.narrow(0, 0, flux.size(1));
  const at::Tensor amplitude = at::fft_rfft(at::stack({flux, windowed}, 1), 2 * length_).abs();
  const double scale = 1.0 / std::sqrt(static_cast<double>(length_));
  return (amplitude * scale + amplitude_floor).log().flatten(1);
}

}  // namespace causalfm::model
