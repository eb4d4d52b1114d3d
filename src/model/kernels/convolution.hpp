#pragma once

#include "model/kernels/arrays.hpp"

#include <cstdint>

/// ConvolutionModule as a residual sublayer:
/// state + dropout(contract(silu(norm(depthwise(glu(expand(pre_norm(state)))))))).
namespace causalfm::model {

struct ConvolutionWeights {
  int64_t kernel;
  Norm pre_norm;
  Affine expand;                ///< width -> 2 width
  const float* taps;            ///< [kernel, width]
  const float* taps_reversed;   ///< the same, last tap first
  const float* depthwise_bias;  ///< [width]
  Norm norm;
  Affine contract;  ///< width -> width
};

struct ConvolutionGradients {
  NormGradient pre_norm;
  AffineGradient expand;
  float* taps;
  float* depthwise_bias;
  NormGradient norm;
  AffineGradient contract;
};

/// Kept for backward.
struct ConvolutionSaved {
  float* expanded;   ///< [curves, time, 2 width]
  float* convolved;  ///< [curves, time, width]
};

struct ConvolutionKernels {
  /// Elements of scratch that a call needs.
  int64_t (*scratch)(int64_t time, int64_t width, int64_t kernel, bool backward);

  /// `out` [curves, time, width]. @param saved null pointers when nothing is kept
  void (*forward)(const CurveRun& run, const ConvolutionWeights& weights, const ConvolutionSaved& saved, float* scratch,
                  float* out);

  /// From the gradient of `out`; adds to `gradients`.
  void (*backward)(const CurveRun& run, const ConvolutionWeights& weights, const ConvolutionSaved& saved,
                   const float* gradient, const ConvolutionGradients& gradients, float* scratch, float* of_state);
};

}  // namespace causalfm::model
