#pragma once

#include "contrast_tiles.hpp"

#include <ATen/core/Tensor.h>

#include <optional>

/// The two ways to walk over tiles. Both give the same numbers up to rounding.
namespace causalfm::loss {

/// What a tile's gradient is made of. With pi and nu the softmax over positives and over negatives, d loss / d s is
/// repulsion * nu at a negative and -repulsion * pi + even * (pi - share) at a positive, where share = 1 / positives,
/// pi = share * e^(s - lme_positives) and pi - share = share * expm1(s - lme_positives): nothing cancels when positives
/// dominate or are much alike, and a single positive has pi - share = 0 exactly. repulsion = weight * sigmoid(log odds)
/// and even = weight, or 0 with positives inside the logarithm; both 0 without positives. All [anchors], in the dtype
/// of the keys.
struct GradientCoefficients {
  at::Tensor lme_positives;
  at::Tensor lse_negatives;
  at::Tensor at_positives;  ///< of e^(s - lme_positives): -repulsion * share
  at::Tensor excess;  ///< of expm1(s - lme_positives): even * share; undefined with positives inside the logarithm
  at::Tensor at_negatives;  ///< of e^(s - lse_negatives): repulsion
};

/// On any device: a chain of ATen operations on each tile.
AnchorStatistics statistics_by_tensors(const Contrast& contrast, const std::optional<TileSizes>& sizes);
at::Tensor gradient_by_tensors(const Contrast& contrast, const GradientCoefficients& coefficients,
                               const std::optional<TileSizes>& sizes);

/// On the CPU: tiles side by side on ATen's threads, products by ATen, what lies between them in one vectorised pass
/// (tile_kernels.hpp). Results do not depend on the number of threads.
AnchorStatistics statistics_by_threads(const Contrast& contrast, const std::optional<TileSizes>& sizes);
at::Tensor gradient_by_threads(const Contrast& contrast, const GradientCoefficients& coefficients,
                               const std::optional<TileSizes>& sizes);

}  // namespace causalfm::loss
