#pragma once

#include "causalfm/loss/info_nce.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

/// InfoNCE over tiles of anchors x keys: what one rank does between its collectives. Similarities are computed tile by
/// tile, in forward and again in backward, and never kept.
namespace causalfm::loss {

struct TileSizes {
  int64_t anchors;
  int64_t keys;
};

enum class ContrastPath {
  by_device,  ///< threads for CPU tensors, tensors for others
  tensors,    ///< chained ATen operations (contrast_tensors.cpp)
};

struct Tiling {
  ContrastPath path = ContrastPath::by_device;
  std::optional<TileSizes> sizes;  ///< those that suit the path unless given
};

/// One contrastive task: each anchor against all keys. Anchors are keys as well.
struct Contrast {
  at::Tensor keys;         ///< [keys, width], rows of norm 1 (or 0), contiguous
  at::Tensor anchor_rows;  ///< [anchors] int64: the rows of `keys` that are this rank's anchors
  ContrastLabels labels;   ///< of the keys
  double temperature;
};

/// What a pass over all keys leaves of each anchor's similarities s = anchor . key / temperature. All [anchors], in the
/// dtype of the keys.
struct AnchorStatistics {
  at::Tensor lme_positives;   ///< log mean_P e^s, -inf without positives
  at::Tensor lse_negatives;   ///< log sum_N e^s, -inf without negatives
  at::Tensor mean_positives;  ///< mean_P s, 0 without positives
  at::Tensor positives;       ///< how many
};

AnchorStatistics contrast_statistics(const Contrast& contrast, const Tiling& tiling);

/// [anchors] losses; 0 for an anchor without positives.
at::Tensor anchor_losses(const AnchorStatistics& statistics, bool positives_inside_log);

/// [keys, width]: gradient of `weight` (scalar tensor) times the sum of anchor_losses at every key, as key and as
/// anchor together.
at::Tensor contrast_gradient(const Contrast& contrast, const AnchorStatistics& statistics, bool positives_inside_log,
                             const at::Tensor& weight, const Tiling& tiling);

}  // namespace causalfm::loss
