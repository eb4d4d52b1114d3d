#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::model {

/// What the encoders see of a curve's Fourier transform: log(|X_k| / sqrt(T) + 0.01) for k = 0 ... T of the curve and
/// of the curve times a Hann window over T, both padded with zeros to 2 T samples (X_k = sum_t x_t e^{-i pi k t / T}).
/// The first shows line frequencies sharply, the second without the side lobes of strong lines. Divided by sqrt(T)
/// white noise keeps its standard deviation; 0.01 lies below the noise of the paper's curves (0.03) and bounds the
/// logarithm. Samples are taken in order, not at their times; masked ones count as zero.
class Spectrum {
 public:
  /// @param length T, the samples of the longest curve
  Spectrum(int64_t length, const at::TensorOptions& options);

  int64_t features() const { return 2 * (length_ + 1); }

  /// [batch, time], time <= T, zero where masked -> [batch, features()]: the plain transform, then the windowed one.
  at::Tensor operator()(const at::Tensor& flux) const;

 private:
  int64_t length_;
  at::Tensor window_;  ///< [T]
};

}  // namespace causalfm::model
