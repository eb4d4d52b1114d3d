#pragma once

#include "model/kernels/arrays.hpp"

#include <cstdint>

/// Lstm as a residual sublayer: state + dropout(lstm(zero_masked(norm(state)))).
namespace causalfm::model {

/// Rows of the 4 width gates are in blocks of one vector of units, in each the units' input gates, then their forget
/// gates, cells and output gates. Columns are the input's width, then the hidden state's.
struct LstmWeights {
  Norm norm;
  Affine gates;  ///< 2 width -> 4 width
};

struct LstmGradients {
  NormGradient norm;
  AffineGradient gates;
};

/// Kept for backward.
struct LstmSaved {
  float* gates;  ///< [time, curves, 4 width] after their sigmoid or tanh
  float* cells;  ///< [time, curves, width]
};

struct LstmKernels {
  /// Elements of scratch that a call needs.
  int64_t (*scratch)(int64_t time, int64_t width, bool backward);

  /// `out` [curves, time, width]. @param saved null when nothing is kept
  void (*forward)(const CurveRun& run, const LstmWeights& weights, const LstmSaved& saved, float* scratch, float* out);

  /// From the gradient of `out`; adds to `gradients`.
  void (*backward)(const CurveRun& run, const LstmWeights& weights, const LstmSaved& saved, const float* gradient,
                   const LstmGradients& gradients, float* scratch, float* of_state);
};

}  // namespace causalfm::model
