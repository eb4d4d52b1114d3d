#pragma once

#include <cstdint>
#include <vector>

/// The element-wise halves of InfoNCE on the CPU: one pass over a tile of similarities after its product in forward,
/// one between its products in backward. Plain pointers, no ATen, so that each instruction set is a small file.
namespace causalfm::loss {

template <class Scalar>
struct LabelOf;
template <>
struct LabelOf<float> {
  using Type = int32_t;
};
template <>
struct LabelOf<double> {
  using Type = int64_t;
};

/// Labels are compared in lanes beside similarities and therefore as wide as they.
template <class Scalar>
using Label = typename LabelOf<Scalar>::Type;

/// Labels of a run of keys or of anchors, as in ContrastLabels. `group` is null where nothing is grouped; an anchor of
/// no group has a label there that no key has.
template <class Scalar>
struct LabelRun {
  const Label<Scalar>* same;
  const Label<Scalar>* other;
  const Label<Scalar>* group;
};

template <class Scalar>
struct SimilarityTile {
  Scalar* values;  ///< [anchors, keys], rows `stride` apart
  int64_t stride;
  int64_t anchors;
  int64_t keys;
  LabelRun<Scalar> of_anchors;
  LabelRun<Scalar> of_keys;
};

/// What the tiles so far have left of one anchor. Sums are of e^(s - greatest), so that no exponential overflows and
/// the sum of one term is exactly 1; they are in double, because their error is common to all keys and would not
/// average out.
template <class Scalar>
struct RunningStatistics {
  Scalar greatest_positive;  ///< -inf before the first
  Scalar greatest_negative;  ///< likewise
  double positive_sum;
  double negative_sum;
  double similarity_sum;  ///< of the positives' s
  int64_t positives;
};

/// d loss / d s of each anchor, as GradientCoefficients (contrast_paths.hpp) has it; all [anchors].
template <class Scalar>
struct CoefficientRun {
  const Scalar* lme_positives;
  const Scalar* lse_negatives;
  const Scalar* at_positives;
  const Scalar* excess;
  const Scalar* at_negatives;
};

template <class Scalar>
struct TilePasses {
  /// Adds the tile's similarities to its anchors' statistics.
  void (*accumulate)(const SimilarityTile<Scalar>& tile, RunningStatistics<Scalar>* statistics);

  /// Replaces similarities by d loss / d similarities.
  void (*differentiate)(const SimilarityTile<Scalar>& tile, const CoefficientRun<Scalar>& coefficients);
};

/// The passes for one instruction set.
struct TileKernels {
  const char* instruction_set;
  TilePasses<float> of_float;
  TilePasses<double> of_double;
};

template <class Scalar>
const TilePasses<Scalar>& passes_of(const TileKernels& kernels);
template <>
inline const TilePasses<float>& passes_of<float>(const TileKernels& kernels) {
  return kernels.of_float;
}
template <>
inline const TilePasses<double>& passes_of<double>(const TileKernels& kernels) {
  return kernels.of_double;
}

/// Those that this processor can run, the fastest first.
std::vector<const TileKernels*> supported_tile_kernels();

const TileKernels& baseline_tile_kernels();
const TileKernels& avx2_tile_kernels();
const TileKernels& avx512_tile_kernels();

}  // namespace causalfm::loss
