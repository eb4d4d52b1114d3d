#include "causalfm/loss/reconstruction.hpp"

#include "causalfm/loss/error.hpp"

#include <ATen/ATen.h>

#include <limits>

namespace causalfm::loss {

at::Tensor curve_errors(const at::Tensor& reconstructed, const at::Tensor& flux, const at::Tensor& mask) {
  if (!reconstructed.defined() || !flux.defined() || reconstructed.dim() != 2 ||
      reconstructed.sizes() != flux.sizes()) {
    throw LossError("the reconstruction error: reconstructed and flux must both be [curves, time]");
  }
  if (!mask.defined()) return (reconstructed - flux).square().mean(1);
  if (mask.sizes() != flux.sizes() || mask.scalar_type() != at::kBool) {
    throw LossError("the reconstruction error: the mask must be bool and of the shape of flux, [curves, time]");
  }
  // Masked before squaring: whatever stands under a mask, nan included, reaches neither value nor gradient.
  const at::Tensor residual = at::where(mask, reconstructed - flux, at::zeros({}, reconstructed.options()));
  const at::Tensor observed = mask.sum(1);
  const at::Tensor mean = residual.square().sum(1) / observed.clamp_min(1);
  return mean.masked_fill(observed.eq(0), std::numeric_limits<double>::quiet_NaN());
}

}  // namespace causalfm::loss
