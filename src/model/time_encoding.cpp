#include "model/time_encoding.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

namespace causalfm::model {

TimeEncoding::TimeEncoding(const SequenceScale& scale, int64_t width, const at::TensorOptions& options)
    : dtype_(options.dtype().toScalarType()) {
  const double slowest = 2.0 * std::numbers::pi / scale.span;
  const double fastest = std::numbers::pi / scale.median_cadence;
  frequencies_ = at::linspace(std::log(slowest), std::log(fastest), width / 2, at::kDouble).exp().to(options.device());
}

at::Tensor TimeEncoding::operator()(const at::Tensor& time) const {
  constexpr double turn = 2.0 * std::numbers::pi;
  const at::Tensor angle = time.to(at::kDouble).unsqueeze(-1) * frequencies_;
  const at::Tensor within_turn = (angle - at::round(angle / turn) * turn).to(dtype_);
  return at::cat({within_turn.sin(), within_turn.cos()}, -1);
}

}  // namespace causalfm::model
