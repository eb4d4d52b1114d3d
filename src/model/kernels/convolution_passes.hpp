#pragma once

#include "model/correlation.hpp"
#include "model/kernels/convolution.hpp"
#include "model/kernels/cursor.hpp"
#include "model/kernels/norm_rows.hpp"
#include "model/kernels/rows.hpp"

namespace causalfm::model {
namespace {

/// value sigmoid(gate) of rows [value, gate], zero where a step is masked.
inline void gate(int64_t steps, int64_t width, const float* expanded, const float* observed, float* out) {
  for (int64_t t = 0; t < steps; ++t) {
    const Vector seen = broadcast(observed == nullptr ? 1.0F : observed[t]);
    for (int64_t c = 0; c < width; c += lanes) {
      const float* const row = expanded + t * 2 * width + c;
      store(seen * (load(row) * sigmoid(load(row + width))), out + t * width + c);
    }
  }
}

/// From the gradient of the gated rows to that of [value, gate].
inline void gate_backward(int64_t steps, int64_t width, const float* expanded, const float* observed,
                          const float* gradient, float* of_expanded) {
  for (int64_t t = 0; t < steps; ++t) {
    const Vector seen = broadcast(observed == nullptr ? 1.0F : observed[t]);
    for (int64_t c = 0; c < width; c += lanes) {
      const int64_t at = t * 2 * width + c;
      const Vector value = load(expanded + at), open = sigmoid(load(expanded + at + width));
      const Vector of_value = seen * load(gradient + t * width + c) * open;
      store(of_value, of_expanded + at);
      store(of_value * value * (1.0F - open), of_expanded + at + width);
    }
  }
}

/// out[t] = bias + sum_j taps[j] signal[t + j - kernel / 2] for a curve; without bias from zero.
inline void convolve(int64_t steps, int64_t width, int64_t kernel, const float* signal, const float* taps,
                     const float* bias, float* padded, float* out) {
  for (int64_t t = 0; t < steps; ++t) {
    for (int64_t c = 0; c < width; c += lanes) {
      store(bias == nullptr ? Vector{} : load(bias + c), out + t * width + c);
    }
  }
  Correlation<float>::run(VectorBytes<vector_bytes>{}, signal, taps, out, padded,
                          {width, steps, kernel, steps, kernel / 2});
}

struct ConvolutionRoom {
  ConvolutionRoom(float* scratch, int64_t steps, int64_t width, int64_t kernel, bool backward) {
    Cursor room(scratch);
    normal = room.take(strip_steps * width);
    expanded = room.take(steps * 2 * width);
    gated = room.take(steps * width);
    convolved = room.take(steps * width);
    padded = room.take((steps + kernel - 1) * lanes);
    if (backward) of_convolved = room.take(steps * width);
    used = room.used();
  }

  float* normal;
  float* expanded;
  float* gated;
  float* convolved;
  float* padded;
  float* of_convolved = nullptr;
  int64_t used;
};

inline void convolution_forward(const CurveRun& run, const ConvolutionWeights& weights, const ConvolutionSaved& saved,
                                float* scratch, float* out) {
  const int64_t time = run.time, width = run.width;
  const ConvolutionRoom room(scratch, time, width, weights.kernel, false);
  for (int64_t curve = 0; curve < run.curves; ++curve) {
    const int64_t start = curve * time * width;
    const float* const observed = run.observed == nullptr ? nullptr : run.observed + curve * time;
    for_each_strip(time, [&](int64_t first, int64_t steps) {
      normalise(steps, width, {run.state + start + first * width, width}, weights.pre_norm, {room.normal, width});
      apply(steps, width, 2 * width, room.normal, weights.expand, room.expanded + first * 2 * width);
    });
    gate(time, width, room.expanded, observed, room.gated);
    convolve(time, width, weights.kernel, room.gated, weights.taps, weights.depthwise_bias, room.padded,
             room.convolved);
    if (saved.expanded != nullptr) {
      keep(2 * time * width, room.expanded, saved.expanded + 2 * start);
      keep(time * width, room.convolved, saved.convolved + start);
    }
    for_each_strip(time, [&](int64_t first, int64_t steps) {
      const int64_t at = start + first * width;
      float* const active = room.gated;
      normalise(steps, width, {room.convolved + first * width, width}, weights.norm, {active, width});
      silu(steps * width, active, active);
      apply(steps, width, width, active, weights.contract, room.normal);
      drop(run, curve, first * width, steps * width, room.normal, run.state + at, out + at);
    });
  }
  finish_stores();
}

inline void convolution_backward(const CurveRun& run, const ConvolutionWeights& weights, const ConvolutionSaved& saved,
                                 const float* gradient, const ConvolutionGradients& gradients, float* scratch,
                                 float* of_state) {
  const int64_t time = run.time, width = run.width;
  const ConvolutionRoom room(scratch, time, width, weights.kernel, true);
  for (int64_t curve = 0; curve < run.curves; ++curve) {
    const int64_t start = curve * time * width;
    const float* const observed = run.observed == nullptr ? nullptr : run.observed + curve * time;
    const float* const expanded = saved.expanded + 2 * start;
    const float* const convolved = saved.convolved + start;
    zero(time * width, room.of_convolved);
    for_each_strip(time, [&](int64_t first, int64_t steps) {
      const int64_t at = start + first * width, count = steps * width;
      float *const of_change = room.normal, *const normal = room.gated, *const active = room.convolved;
      float* const of_active = room.expanded;
      drop(run, curve, first * width, count, gradient + at, nullptr, of_change);
      normalise(steps, width, {convolved + first * width, width}, weights.norm, {normal, width});
      silu_with_slope(count, normal, active, normal);
      apply_backward(steps, width, width, active, of_change, weights.contract, gradients.contract, of_active);
      scale(count, normal, of_active);
      normalise_backward(steps, width, {convolved + first * width, width}, {of_active, width}, weights.norm,
                         gradients.norm, {room.of_convolved + first * width, width});
    });
    add_rows(time, width, room.of_convolved, gradients.depthwise_bias);
    gate(time, width, expanded, observed, room.gated);
    Correlation<float>::run(VectorBytes<vector_bytes>{}, room.gated, room.of_convolved, gradients.taps, room.padded,
                            {width, time, time, weights.kernel, weights.kernel / 2});
    float* const of_gated = room.convolved;
    convolve(time, width, weights.kernel, room.of_convolved, weights.taps_reversed, nullptr, room.padded, of_gated);
    gate_backward(time, width, expanded, observed, of_gated, room.expanded);
    copy(time * width, gradient + start, of_state + start);
    for_each_strip(time, [&](int64_t first, int64_t steps) {
      const int64_t at = start + first * width;
      float *const normal = room.normal, *const of_normal = room.gated;
      normalise(steps, width, {run.state + at, width}, weights.pre_norm, {normal, width});
      apply_backward(steps, width, 2 * width, normal, room.expanded + first * 2 * width, weights.expand,
                     gradients.expand, of_normal);
      normalise_backward(steps, width, {run.state + at, width}, {of_normal, width}, weights.pre_norm,
                         gradients.pre_norm, {of_state + at, width});
    });
  }
}

constexpr ConvolutionKernels convolution_kernels = {
    [](int64_t time, int64_t width, int64_t kernel, bool backward) {
      return ConvolutionRoom(nullptr, time, width, kernel, backward).used;
    },
    convolution_forward, convolution_backward};

}  // namespace
}  // namespace causalfm::model
