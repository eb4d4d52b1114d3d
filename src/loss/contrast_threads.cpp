#include "contrast_paths.hpp"
#include "tile_kernels.hpp"
#include "tile_schedule.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

namespace causalfm::loss {
namespace {

/// A tile of similarities stays in a core's second-level cache and takes far longer than handing it out; a small task
/// still has several. A function of the task alone, as results depend on it.
TileSizes default_sizes(int64_t anchors, int64_t keys) {
  const auto part = [](int64_t rows, int64_t least, int64_t most) { return std::clamp(rows / 16, least, most); };
  return {part(anchors, 64, 128), part(keys, 256, 512)};
}

/// Labels as the passes compare them, of all keys and of all anchors.
template <class Scalar>
class PassLabels {
 public:
  explicit PassLabels(const Contrast& contrast)
      : same_of_keys_(codes(contrast.labels.same)),
        other_of_keys_(codes(contrast.labels.other)),
        same_of_anchors_(same_of_keys_.index_select(0, contrast.anchor_rows)),
        other_of_anchors_(other_of_keys_.index_select(0, contrast.anchor_rows)) {
    const at::Tensor& group = contrast.labels.group;
    if (!group.defined()) return;
    group_of_keys_ = codes(group.clamp_min(-1));
    group_of_anchors_ = at::where(group.lt(0), -2, group_of_keys_).index_select(0, contrast.anchor_rows);
  }

  LabelRun<Scalar> of_keys(int64_t first) const { return run(same_of_keys_, other_of_keys_, group_of_keys_, first); }
  LabelRun<Scalar> of_anchors(int64_t first) const {
    return run(same_of_anchors_, other_of_anchors_, group_of_anchors_, first);
  }

 private:
  static constexpr at::ScalarType type = c10::CppTypeToScalarType<Label<Scalar>>::value;

  /// Equal where the labels are equal: the labels themselves, or which of the distinct ones they are. At least -1.
  static at::Tensor codes(const at::Tensor& labels) {
    if (type == at::kLong) return labels.contiguous();
    return std::get<1>(at::_unique(labels, /*sorted=*/true, /*return_inverse=*/true)).to(type);
  }

  static LabelRun<Scalar> run(const at::Tensor& same, const at::Tensor& other, const at::Tensor& group, int64_t first) {
    const auto from = [first](const at::Tensor& labels) { return labels.const_data_ptr<Label<Scalar>>() + first; };
    return {from(same), from(other), group.defined() ? from(group) : nullptr};
  }

  at::Tensor same_of_keys_;
  at::Tensor other_of_keys_;
  at::Tensor group_of_keys_;
  at::Tensor same_of_anchors_;
  at::Tensor other_of_anchors_;
  at::Tensor group_of_anchors_;
};

/// What a thread works in; reused from tile to tile.
struct Scratch {
  at::Tensor anchors;       ///< [tile anchors, width], divided by the temperature
  at::Tensor similarities;  ///< [tile anchors, tile keys]
};

/// Runs body(task, scratch) for task = 0 ... tasks - 1 on ATen's threads.
class Workers {
 public:
  Workers(const Contrast& contrast, const TileSizes& sizes) : scratch_(at::get_num_threads()) {
    for (Scratch& scratch : scratch_) {
      scratch.anchors = at::empty({sizes.anchors, contrast.keys.size(1)}, contrast.keys.options());
      scratch.similarities = at::empty({sizes.anchors, sizes.keys}, contrast.keys.options());
    }
  }

  template <class Body>
  void run(int64_t tasks, const Body& body) {
    // At least two, so that several threads are in a parallel region: a product outside of one would be shared among
    // them, and its rounding depend on how many they are.
    at::parallel_for(0, std::max<int64_t>(tasks, 2), 1, [&](int64_t begin, int64_t end) {
      const at::AutoDispatchBelowADInplaceOrView no_graph;
      Scratch& scratch = scratch_[at::get_thread_num()];
      for (int64_t task = begin; task < std::min(end, tasks); ++task) body(task, scratch);
    });
  }

 private:
  std::vector<Scratch> scratch_;
};

struct Range {
  int64_t first;
  int64_t count;

  at::Tensor of(const at::Tensor& rows) const { return rows.narrow(0, first, count); }
};

/// A dimension of the matrix of similarities, cut into tiles.
struct Cut {
  int64_t rows;
  int64_t tile;

  int64_t tiles() const { return (rows + tile - 1) / tile; }
  Range range(int64_t index) const { return {index * tile, std::min(tile, rows - index * tile)}; }
};

template <class Scalar>
class ThreadedContrast {
 public:
  ThreadedContrast(const Contrast& contrast, const TileSizes& sizes)
      : contrast_(contrast),
        labels_(contrast),
        passes_(passes_of<Scalar>(*supported_tile_kernels().front())),
        anchors_{contrast.anchor_rows.size(0), sizes.anchors},
        keys_{contrast.keys.size(0), sizes.keys},
        workers_(contrast, sizes) {}

  AnchorStatistics statistics() {
    const auto empty = [&] { return at::empty({anchors_.rows}, contrast_.keys.options()); };
    const AnchorStatistics all{empty(), empty(), empty(), empty()};
    workers_.run(anchors_.tiles(), [&](int64_t tile, Scratch& scratch) {
      const Range anchors = anchors_.range(tile);
      constexpr Scalar none = -std::numeric_limits<Scalar>::infinity();
      std::vector<RunningStatistics<Scalar>> running(anchors.count, {none, none, 0.0, 0.0, 0.0, 0});
      scale_anchors(anchors, scratch);
      for (int64_t key_tile = 0; key_tile < keys_.tiles(); ++key_tile) {
        passes_.accumulate(multiply(anchors, keys_.range(key_tile), scratch), running.data());
      }
      for (int64_t anchor = 0; anchor < anchors.count; ++anchor) {
        write(running[anchor], anchors.first + anchor, all);
      }
    });
    return all;
  }

  at::Tensor gradient(const GradientCoefficients& coefficients) {
    const at::TensorOptions options = contrast_.keys.options();
    const int64_t width = contrast_.keys.size(1);
    const at::Tensor at_anchors = at::zeros({anchors_.rows, width}, options);
    // [width, tile keys] each: the library multiplies faster into that shape (float64: twice as fast).
    const at::Tensor at_keys_by_tile = at::zeros({keys_.tiles(), width, keys_.tile}, options);
    TileSchedule schedule(anchors_.tiles(), keys_.tiles());
    workers_.run(schedule.breadth(), [&](int64_t, Scratch& scratch) {
      schedule.work([&](int64_t anchor_tile, int64_t key_tile) {
        differentiate(anchors_.range(anchor_tile), keys_.range(key_tile), coefficients, scratch, at_anchors,
                      at_keys_by_tile[key_tile]);
      });
    });
    return sum_by_row(at_anchors, at_keys_by_tile);
  }

 private:
  void scale_anchors(const Range& anchors, const Scratch& scratch) const {
    const int64_t width = contrast_.keys.size(1);
    const auto* keys = contrast_.keys.template const_data_ptr<Scalar>();
    const auto* rows = contrast_.anchor_rows.template const_data_ptr<int64_t>() + anchors.first;
    auto* scaled = scratch.anchors.template data_ptr<Scalar>();
    const auto factor = static_cast<Scalar>(1.0 / contrast_.temperature);
    for (int64_t anchor = 0; anchor < anchors.count; ++anchor) {
      const Scalar* key = keys + rows[anchor] * width;
      for (int64_t column = 0; column < width; ++column) scaled[anchor * width + column] = key[column] * factor;
    }
  }

  static at::Tensor similarities(const Range& anchors, const Range& keys, const Scratch& scratch) {
    return scratch.similarities.narrow(0, 0, anchors.count).narrow(1, 0, keys.count);
  }

  SimilarityTile<Scalar> multiply(const Range& anchors, const Range& keys, const Scratch& scratch) const {
    at::Tensor product = similarities(anchors, keys, scratch);
    at::mm_out(product, scratch.anchors.narrow(0, 0, anchors.count), keys.of(contrast_.keys).t());
    return {product.data_ptr<Scalar>(),        product.stride(0),          anchors.count, keys.count,
            labels_.of_anchors(anchors.first), labels_.of_keys(keys.first)};
  }

  /// Adds a tile's part of the gradient.
  void differentiate(const Range& anchors, const Range& keys, const GradientCoefficients& coefficients,
                     const Scratch& scratch, const at::Tensor& at_anchors, const at::Tensor& at_tile_keys) const {
    scale_anchors(anchors, scratch);
    passes_.differentiate(multiply(anchors, keys, scratch), run_of(coefficients, anchors.first));
    const at::Tensor at_similarities = similarities(anchors, keys, scratch);
    anchors.of(at_anchors).addmm_(at_similarities, keys.of(contrast_.keys), 1.0, 1.0 / contrast_.temperature);
    at_tile_keys.narrow(1, 0, keys.count).addmm_(scratch.anchors.narrow(0, 0, anchors.count).t(), at_similarities);
  }

  static void write(const RunningStatistics<Scalar>& running, int64_t anchor, const AnchorStatistics& all) {
    const auto set = [anchor](const at::Tensor& tensor, double value) {
      tensor.data_ptr<Scalar>()[anchor] = static_cast<Scalar>(value);
    };
    const auto count = static_cast<double>(std::max<int64_t>(1, running.positives));
    set(all.lme_positives, running.greatest_positive + std::log(running.positive_sum / count));
    set(all.lse_negatives, running.greatest_negative + std::log(running.negative_sum));
    set(all.mean_positives, running.similarity_sum / count);
    set(all.positives, static_cast<double>(running.positives));
  }

  static CoefficientRun<Scalar> run_of(const GradientCoefficients& all, int64_t first) {
    const auto from = [first](const at::Tensor& tensor) { return tensor.const_data_ptr<Scalar>() + first; };
    return {from(all.lme_positives), from(all.lse_negatives), from(all.at_positives), from(all.excess),
            from(all.at_negatives)};
  }

  at::Tensor sum_by_row(const at::Tensor& at_anchors, const at::Tensor& at_keys_by_tile) const {
    const at::Tensor gradient = at::empty_like(contrast_.keys);
    for (int64_t tile = 0; tile < keys_.tiles(); ++tile) {
      const Range keys = keys_.range(tile);
      keys.of(gradient).copy_(at_keys_by_tile[tile].narrow(1, 0, keys.count).t());
    }
    const int64_t width = gradient.size(1);
    const auto* rows = contrast_.anchor_rows.template const_data_ptr<int64_t>();
    const auto* from = at_anchors.const_data_ptr<Scalar>();
    auto* to = gradient.data_ptr<Scalar>();
    for (int64_t anchor = 0; anchor < anchors_.rows; ++anchor) {
      Scalar* sum = to + rows[anchor] * width;
      for (int64_t column = 0; column < width; ++column) sum[column] += from[anchor * width + column];
    }
    return gradient;
  }

  const Contrast& contrast_;
  const PassLabels<Scalar> labels_;
  const TilePasses<Scalar>& passes_;
  const Cut anchors_;
  const Cut keys_;
  Workers workers_;
};

/// Hands a ThreadedContrast of the keys' type to `use`.
template <class Use>
auto with_threads(const Contrast& contrast, const std::optional<TileSizes>& sizes, const Use& use) {
  const TileSizes tiles = sizes.value_or(default_sizes(contrast.anchor_rows.size(0), contrast.keys.size(0)));
  if (contrast.keys.scalar_type() == at::kFloat) return use(ThreadedContrast<float>(contrast, tiles));
  return use(ThreadedContrast<double>(contrast, tiles));
}

}  // namespace

AnchorStatistics statistics_by_threads(const Contrast& contrast, const std::optional<TileSizes>& sizes) {
  return with_threads(contrast, sizes, [](auto threaded) { return threaded.statistics(); });
}

at::Tensor gradient_by_threads(const Contrast& contrast, const GradientCoefficients& coefficients,
                               const std::optional<TileSizes>& sizes) {
  GradientCoefficients all = coefficients;
  if (!all.excess.defined()) all.excess = at::zeros_like(all.at_positives);
  return with_threads(contrast, sizes, [&](auto threaded) { return threaded.gradient(all); });
}

}  // namespace causalfm::loss
