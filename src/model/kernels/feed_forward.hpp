#pragma once

#include "model/kernels/arrays.hpp"
#include "model/kernels/cursor.hpp"

#include <cstdint>

/// FeedForward as a residual sublayer: state + dropout(contract(silu(expand(norm(state))))).
namespace causalfm::model {

struct FeedForwardWeights {
  int64_t hidden;
  Norm norm;
  Affine expand;    ///< width -> hidden
  Affine contract;  ///< hidden -> width
};

struct FeedForwardGradients {
  NormGradient norm;
  AffineGradient expand;
  AffineGradient contract;
};

struct FeedForwardKernels {
  /// Elements of scratch that a call needs.
  int64_t (*scratch)(int64_t width, int64_t hidden, bool backward);

  /// `out` [curves, time, width]. @param hidden [curves, time, hidden], kept for backward; null when nothing is
  void (*forward)(const CurveRun& run, const FeedForwardWeights& weights, float* hidden, float* scratch, float* out);

  /// From the gradient of `out`; adds to `gradients`.
  void (*backward)(const CurveRun& run, const FeedForwardWeights& weights, const float* hidden, const float* gradient,
                   const FeedForwardGradients& gradients, float* scratch, float* of_state);
};

}  // namespace causalfm::model
