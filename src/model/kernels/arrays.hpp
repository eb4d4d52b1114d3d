#pragma once

#include "model/dropout_mask.hpp"

#include <cstdint>

/// What the kernels are given: plain pointers to float32, contiguous, from 64-byte boundaries where something is kept.
/// A call works on a run of curves on the calling thread alone. The width is a multiple of 16 up to largest_width.
namespace causalfm::model {

constexpr int64_t largest_width = 512;

/// Curves of a call at most: enough to fill the registers with rows of the LSTM's products, few enough for their state
/// to stay in the second cache from sublayer to sublayer.
constexpr int64_t group_curves = 6;

/// Curves on their way through a residual sublayer, state + dropout(sublayer(norm(state))).
struct CurveRun {
  int64_t curves;
  int64_t time;
  int64_t width;
  const float* state;          ///< [curves, time, width]
  const float* observed;       ///< [curves, time] 1 or 0; null: all is observed
  const float* key_scores;     ///< [curves, time] 0 or -inf, as SequenceMask has it; null likewise
  const DropoutMask* dropout;  ///< null: none
  uint32_t first_curve;        ///< of the run, in the batch whose rows `dropout` counts
};

/// [width] each.
struct Norm {
  const float* weight;
  const float* bias;
};
struct NormGradient {
  float* weight;
  float* bias;
};

/// y = x W^T + b. `panels` is W^T for products from the left (product.hpp: Right, panels of [in, panel_columns]);
/// `weight` W itself, [out, in]. The packed ones are the same for products in bfloat16 (Packing::pack), else null.
struct Affine {
  const float* panels;
  const float* weight;
  const float* bias;
  const uint32_t* packed_panels = nullptr;
  const uint32_t* packed_weight = nullptr;
};
struct AffineGradient {
  float* weight;
  float* bias;
};

}  // namespace causalfm::model
