#include "contrast_tiles.hpp"

#include "contrast_paths.hpp"

#include <ATen/ATen.h>

namespace causalfm::loss {
namespace {

bool on_threads(const Contrast& contrast, const Tiling& tiling) {
  return tiling.path == ContrastPath::by_device && contrast.keys.device().is_cpu();
}

/// lse_negatives - lse_positives.
at::Tensor log_odds(const AnchorStatistics& statistics) {
  return statistics.lse_negatives - (statistics.lme_positives + statistics.positives.log());
}

GradientCoefficients gradient_coefficients(const AnchorStatistics& statistics, bool positives_inside_log,
                                           const at::Tensor& weight) {
  const at::Tensor lonely = statistics.positives.eq(0.0);
  const at::Tensor share = statistics.positives.clamp_min(1.0).reciprocal();
  const at::Tensor repulsion = log_odds(statistics).sigmoid().mul(weight).masked_fill(lonely, 0.0);
  const at::Tensor excess = positives_inside_log ? at::Tensor() : share.mul(weight).masked_fill(lonely, 0.0);
  return {statistics.lme_positives, statistics.lse_negatives, -repulsion * share, excess, repulsion};
}

}  // namespace

AnchorStatistics contrast_statistics(const Contrast& contrast, const Tiling& tiling) {
  return on_threads(contrast, tiling) ? statistics_by_threads(contrast, tiling.sizes)
                                      : statistics_by_tensors(contrast, tiling.sizes);
}

at::Tensor anchor_losses(const AnchorStatistics& statistics, bool positives_inside_log) {
  // Above its threshold softplus(x) is x; 50 is where that is exact in double.
  at::Tensor losses = at::softplus(log_odds(statistics), 1.0, 50.0);
  if (!positives_inside_log) {
    losses = losses + (statistics.lme_positives - statistics.mean_positives) + statistics.positives.log();
  }
  return losses.masked_fill(statistics.positives.eq(0.0), 0.0);
}

at::Tensor contrast_gradient(const Contrast& contrast, const AnchorStatistics& statistics, bool positives_inside_log,
                             const at::Tensor& weight, const Tiling& tiling) {
  const GradientCoefficients coefficients = gradient_coefficients(statistics, positives_inside_log, weight);
  return on_threads(contrast, tiling) ? gradient_by_threads(contrast, coefficients, tiling.sizes)
                                      : gradient_by_tensors(contrast, coefficients, tiling.sizes);
}

}  // namespace causalfm::loss
