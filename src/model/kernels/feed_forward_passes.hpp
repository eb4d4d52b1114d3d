#pragma once

#include "model/kernels/feed_forward.hpp"
#include "model/kernels/norm_rows.hpp"
#include "model/kernels/rows.hpp"

namespace causalfm::model {
namespace {

struct FeedForwardRoom {
  FeedForwardRoom(float* scratch, int64_t width, int64_t hidden, bool backward) {
    Cursor room(scratch);
    normal = room.take(strip_steps * width);
    hidden_sums = room.take(strip_steps * hidden);
    active = room.take(strip_steps * hidden);
    change = room.take(strip_steps * width);
    if (backward) {
      of_active = room.take(strip_steps * hidden);
      slope = room.take(strip_steps * hidden);
    }
    used = room.used();
  }

  float *normal, *hidden_sums, *active, *change, *of_active = nullptr, *slope = nullptr;
  int64_t used;
};

inline void feed_forward_forward(const CurveRun& run, const FeedForwardWeights& weights, float* hidden, float* scratch,
                                 float* out) {
  const int64_t width = run.width;
  const FeedForwardRoom room(scratch, width, weights.hidden, false);
  for (int64_t curve = 0; curve < run.curves; ++curve) {
    for_each_strip(run.time, [&](int64_t first, int64_t steps) {
      const int64_t row = curve * run.time + first;
      normalise(steps, width, {run.state + row * width, width}, weights.norm, {room.normal, width});
      apply(steps, width, weights.hidden, room.normal, weights.expand, room.hidden_sums);
      if (hidden != nullptr) keep(steps * weights.hidden, room.hidden_sums, hidden + row * weights.hidden);
      silu(steps * weights.hidden, room.hidden_sums, room.active);
      apply(steps, weights.hidden, width, room.active, weights.contract, room.change);
      drop(run, curve, first * width, steps * width, room.change, run.state + row * width, out + row * width);
    });
  }
  finish_stores();
}

inline void feed_forward_backward(const CurveRun& run, const FeedForwardWeights& weights, const float* hidden,
                                  const float* gradient, const FeedForwardGradients& gradients, float* scratch,
                                  float* of_state) {
  const int64_t width = run.width;
  const FeedForwardRoom room(scratch, width, weights.hidden, true);
  for (int64_t curve = 0; curve < run.curves; ++curve) {
    for_each_strip(run.time, [&](int64_t first, int64_t steps) {
      const int64_t row = curve * run.time + first;
      const float* const kept = hidden + row * weights.hidden;
      drop(run, curve, first * width, steps * width, gradient + row * width, nullptr, room.change);
      silu_with_slope(steps * weights.hidden, kept, room.active, room.slope);
      apply_backward(steps, weights.hidden, width, room.active, room.change, weights.contract, gradients.contract,
                     room.of_active);
      scale(steps * weights.hidden, room.slope, room.of_active);
      normalise(steps, width, {run.state + row * width, width}, weights.norm, {room.normal, width});
      apply_backward(steps, width, weights.hidden, room.normal, room.of_active, weights.expand, gradients.expand,
                     room.change);
      copy(steps * width, gradient + row * width, of_state + row * width);
      normalise_backward(steps, width, {run.state + row * width, width}, {room.change, width}, weights.norm,
                         gradients.norm, {of_state + row * width, width});
    });
  }
}

constexpr FeedForwardKernels feed_forward_kernels = {
    [](int64_t width, int64_t hidden, bool backward) { return FeedForwardRoom(nullptr, width, hidden, backward).used; },
    feed_forward_forward, feed_forward_backward};

}  // namespace
}  // namespace causalfm::model
