#pragma once

#include "causalfm/model/model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::model {

/// Sine and cosine of actual times: columns sin(w_i t), then cos(w_i t), i = 0 ... width / 2 - 1, with angular
/// frequencies w_i log-spaced from 2 pi / span (one turn in the longest curve) to pi / median cadence (Nyquist).
class TimeEncoding {
 public:
  /// @param width even
  TimeEncoding(const SequenceScale& scale, int64_t width, const at::TensorOptions& options);

  /// [..., time] -> [..., time, width] of the options' dtype. Angles are taken in double and reduced to one turn first:
  /// a sector at two-minute cadence reaches 60,000 radians, where float32 is 0.004 off.
  at::Tensor operator()(const at::Tensor& time) const;

 private:
  at::Tensor frequencies_;  ///< [width / 2] double
  at::ScalarType dtype_;
};

}  // namespace causalfm::model
