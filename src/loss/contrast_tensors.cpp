#include "contrast_paths.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

namespace causalfm::loss {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

/// Large enough that a GPU takes longer for a tile's operations than it takes to start them, dozens a tile; a tensor
/// of a tile in float64 has 64 MiB.
constexpr TileSizes default_sizes{2048, 4096};

/// Some rows of a [rows] or [rows, width] tensor as a range.
struct Range {
  int64_t first;
  int64_t count;

  at::Tensor of(const at::Tensor& tensor) const { return tensor.narrow(0, first, count); }
};

template <typename Body>
void for_each_range(int64_t rows, int64_t tile, const Body& body) {
  for (int64_t first = 0; first < rows; first += tile) body(Range{first, std::min(tile, rows - first)});
}

/// A tile's anchors, already divided by the temperature, with their labels.
struct TileAnchors {
  TileAnchors(const Contrast& contrast, const Range& range)
      : rows(range.of(contrast.anchor_rows)),
        scaled(contrast.keys.index_select(0, rows).mul_(1.0 / contrast.temperature)),
        same(contrast.labels.same.index_select(0, rows).unsqueeze(1)),
        other(contrast.labels.other.index_select(0, rows).unsqueeze(1)) {
    if (contrast.labels.group.defined()) group = contrast.labels.group.index_select(0, rows).unsqueeze(1);
  }

  at::Tensor rows;
  at::Tensor scaled;  ///< [anchors, width]
  at::Tensor same;    ///< [anchors, 1]
  at::Tensor other;   ///< [anchors, 1]
  at::Tensor group;   ///< [anchors, 1] or undefined
};

/// Similarities of a tile and which of them count as what; all [anchors, keys].
struct Tile {
  Tile(const Contrast& contrast, const TileAnchors& anchors, const Range& range)
      : similarities(anchors.scaled.matmul(range.of(contrast.keys).t())) {
    const at::Tensor same = anchors.same.eq(range.of(contrast.labels.same));
    positive = anchors.other.ne(range.of(contrast.labels.other)).logical_and_(same);
    negative = same.logical_not();
    if (anchors.group.defined()) {
      const at::Tensor one_group = anchors.group.eq(range.of(contrast.labels.group)).logical_and_(anchors.group.ge(0));
      negative.logical_and_(one_group.logical_not_());
    }
  }

  at::Tensor similarities;
  at::Tensor positive;
  at::Tensor negative;
};

/// log sum e^s over a growing set, kept as maximum and sum so that no exponential overflows and the sum of one term has
/// exactly that term's logarithm. Sums are in double: their error is common to all keys and would not average out.
class RunningLogSum {
 public:
  RunningLogSum(int64_t anchors, const at::TensorOptions& options)
      : maximum_(at::full({anchors}, minus_infinity, options)),
        sum_(at::zeros({anchors}, options.dtype(at::kDouble))) {}

  void add(const at::Tensor& similarities, const at::Tensor& member) {
    const at::Tensor members = similarities.masked_fill(member.logical_not(), minus_infinity);
    const at::Tensor maximum = at::maximum(maximum_, members.amax(1));
    const at::Tensor reference = maximum.masked_fill(maximum.eq(minus_infinity), 0.0);
    sum_ = sum_ * (maximum_ - reference).exp() + (members - reference.unsqueeze(1)).exp_().sum(1, false, at::kDouble);
    maximum_ = maximum;
  }

  at::Tensor log_sum() const { return maximum_ + sum_.log(); }
  at::Tensor log_mean(const at::Tensor& count) const { return maximum_ + (sum_ / count.clamp_min(1.0)).log(); }

 private:
  at::Tensor maximum_;
  at::Tensor sum_;
};

/// The statistics of one tile of anchors.
AnchorStatistics tile_statistics(const Contrast& contrast, const Range& anchor_range, int64_t tile_keys) {
  const TileAnchors anchors(contrast, anchor_range);
  const at::TensorOptions options = contrast.keys.options();
  RunningLogSum positives(anchor_range.count, options);
  RunningLogSum negatives(anchor_range.count, options);
  at::Tensor sum = at::zeros({anchor_range.count}, options.dtype(at::kDouble));
  at::Tensor count = at::zeros_like(sum);
  for_each_range(contrast.keys.size(0), tile_keys, [&](const Range& key_range) {
    const Tile tile(contrast, anchors, key_range);
    positives.add(tile.similarities, tile.positive);
    negatives.add(tile.similarities, tile.negative);
    sum += tile.similarities.masked_fill(tile.positive.logical_not(), 0.0).sum(1, false, at::kDouble);
    count += tile.positive.sum(1);
  });
  return {positives.log_mean(count), negatives.log_sum(), sum / count.clamp_min(1.0), count};
}

/// d loss / d similarities of a tile, from the coefficients of its anchors.
at::Tensor tile_gradient(const Tile& tile, const GradientCoefficients& all, const Range& anchors) {
  const auto column = [&](const at::Tensor& coefficient) { return anchors.of(coefficient).unsqueeze(1); };
  const at::Tensor above_mean = tile.similarities - column(all.lme_positives);
  at::Tensor at_positives = above_mean.exp().mul_(column(all.at_positives));
  if (all.excess.defined()) at_positives += above_mean.expm1().mul_(column(all.excess));
  const at::Tensor at_negatives = (tile.similarities - column(all.lse_negatives)).exp_().mul_(column(all.at_negatives));
  // Selected, not multiplied: beyond its own set a softmax may overflow.
  const at::Tensor zero = at::zeros({}, tile.similarities.options());
  return at::where(tile.positive, at_positives, at::where(tile.negative, at_negatives, zero));
}

}  // namespace

AnchorStatistics statistics_by_tensors(const Contrast& contrast, const std::optional<TileSizes>& sizes) {
  const TileSizes tiles = sizes.value_or(default_sizes);
  const int64_t anchors = contrast.anchor_rows.size(0);
  const auto empty = [&] { return at::empty({anchors}, contrast.keys.options()); };
  AnchorStatistics all{empty(), empty(), empty(), empty()};
  for_each_range(anchors, tiles.anchors, [&](const Range& range) {
    const AnchorStatistics part = tile_statistics(contrast, range, tiles.keys);
    range.of(all.lme_positives).copy_(part.lme_positives);
    range.of(all.lse_negatives).copy_(part.lse_negatives);
    range.of(all.mean_positives).copy_(part.mean_positives);
    range.of(all.positives).copy_(part.positives);
  });
  return all;
}

at::Tensor gradient_by_tensors(const Contrast& contrast, const GradientCoefficients& coefficients,
                               const std::optional<TileSizes>& sizes) {
  const TileSizes tiles = sizes.value_or(default_sizes);
  at::Tensor gradient = at::zeros_like(contrast.keys);
  for_each_range(contrast.anchor_rows.size(0), tiles.anchors, [&](const Range& anchor_range) {
    const TileAnchors anchors(contrast, anchor_range);
    at::Tensor at_anchors = at::zeros_like(anchors.scaled);
    for_each_range(contrast.keys.size(0), tiles.keys, [&](const Range& key_range) {
      const at::Tensor at_similarities = tile_gradient(Tile(contrast, anchors, key_range), coefficients, anchor_range);
      at_anchors.addmm_(at_similarities, key_range.of(contrast.keys), 1.0, 1.0 / contrast.temperature);
      key_range.of(gradient).addmm_(at_similarities.t(), anchors.scaled);
    });
    gradient.index_add_(0, anchors.rows, at_anchors);
  });
  return gradient;
}

}  // namespace causalfm::loss
