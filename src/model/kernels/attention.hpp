#pragma once

#include "model/kernels/arrays.hpp"

#include <cstdint>

/// Attention as a residual sublayer: state + dropout(output(attention(query_key_value(norm(state))))).
namespace causalfm::model {

/// Steps that are queries together; a multiple of every instruction set's lanes.
constexpr int64_t query_block = 64;

struct AttentionWeights {
  int64_t heads;
  Norm norm;
  Affine
      query_key_value;  ///< width -> 3 width: all heads' queries, keys, values; queries divided by sqrt(width / heads)
  Affine output;        ///< width -> width
};

struct AttentionGradients {
  NormGradient norm;
  AffineGradient query_key_value;  ///< of the weights as given, so of the divided queries
  AffineGradient output;
};

/// Kept for backward. A block of queries has a column of its own for each, padded to query_block.
struct AttentionSaved {
  float* query_key_value;  ///< [curves, time, 3 width]
  float* mixed;            ///< [curves, time, width], the heads' outputs
  float* greatest_score;   ///< [curves, heads, padded time]
  float* inverse_sum;      ///< [curves, heads, padded time], of e^(score - greatest)
};

constexpr int64_t padded_time(int64_t time) { return (time + query_block - 1) / query_block * query_block; }

struct AttentionKernels {
  /// Elements of scratch that a call needs.
  int64_t (*scratch)(int64_t time, int64_t width, int64_t heads, bool backward);

  /// `out` [curves, time, width]. @param saved all null pointers when nothing is kept
  void (*forward)(const CurveRun& run, const AttentionWeights& weights, const AttentionSaved& saved, float* scratch,
                  float* out);

  /// From the gradient of `out`; adds to `gradients`.
  void (*backward)(const CurveRun& run, const AttentionWeights& weights, const AttentionSaved& saved,
                   const float* gradient, const AttentionGradients& gradients, float* scratch, float* of_state);
};

}  // namespace causalfm::model
