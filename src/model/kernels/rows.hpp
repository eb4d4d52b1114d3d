#pragma once

#include "model/kernels/arrays.hpp"
#include "model/kernels/dropout_draws.hpp"
#include "model/kernels/product.hpp"
#include "model/kernels/vectors.hpp"

// What is done row by row, a row being the channels of one step. Internal linkage; see causalfm/lanes.hpp.
namespace causalfm::model {
namespace {

/// Steps that pass through the layers together: a multiple of 8, so that runs of elements begin on a tile of dropout.
constexpr int64_t strip_steps = 96;

/// Calls visit(width) with a constant for the usual widths, so that a row stays in registers.
template <class Visit>
CAUSALFM_INLINE void with_width(int64_t width, const Visit& visit) {
  switch (width) {
    case 32:
      return visit(Constant<32>{});
    case 64:
      return visit(Constant<64>{});
    case 128:
      return visit(Constant<128>{});
    default:
      return visit(width);
  }
}

inline void copy(int64_t count, const float* from, float* to) {
  for (int64_t i = 0; i < count; i += lanes) store(load(from + i), to + i);
}

/// The same past the caches.
inline void keep(int64_t count, const float* from, float* to) {
  for (int64_t i = 0; i < count; i += lanes) store_past_caches(load(from + i), to + i);
}

inline void zero(int64_t count, float* values) {
  for (int64_t i = 0; i < count; i += lanes) store(Vector{}, values + i);
}

/// Calls visit(first step, steps) for every strip of a curve.
template <class Visit>
CAUSALFM_INLINE void for_each_strip(int64_t time, const Visit& visit) {
  for (int64_t first = 0; first < time; first += strip_steps) visit(first, smaller(strip_steps, time - first));
}

/// Adds `from` to `to`.
inline void add(int64_t count, const float* from, float* to) {
  for (int64_t i = 0; i < count; i += lanes) store(load(to + i) + load(from + i), to + i);
}

/// Adds the sum of the rows.
inline void add_rows(int64_t rows, int64_t columns, const float* values, float* sums) {
  for_each_panel(
      columns, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
        Vector sum[vectors] = {};
        for (int64_t row = 0; row < rows; ++row) {
          for (int64_t v = 0; v < vectors; ++v) sum[v] += load(values + row * columns + first + v * lanes);
        }
        for (int64_t v = 0; v < vectors; ++v) {
          float* const at = sums + first + v * lanes;
          store(load(at) + sum[v], at);
        }
      });
}

/// x sigmoid(x).
inline void silu(int64_t count, const float* input, float* out) {
  for (int64_t i = 0; i < count; i += lanes) {
    const Vector x = load(input + i);
    store(x * sigmoid(x), out + i);
  }
}

/// x sigmoid(x) and its derivative.
inline void silu_with_slope(int64_t count, const float* input, float* out, float* slope) {
  for (int64_t i = 0; i < count; i += lanes) {
    const Vector x = load(input + i), gate = sigmoid(x);
    store(x * gate, out + i);
    store(gate * (1.0F + x * (1.0F - gate)), slope + i);
  }
}

inline void scale(int64_t count, const float* factors, float* values) {
  for (int64_t i = 0; i < count; i += lanes) store(load(values + i) * load(factors + i), values + i);
}

/// W^T, by which an input is multiplied. @param in its width
CAUSALFM_INLINE Right right_of_input(const Affine& affine, int64_t in) {
  return {affine.panels, panel_columns, in * panel_columns, affine.packed_panels};
}

/// W, by which a gradient is multiplied.
CAUSALFM_INLINE Right right_of_gradient(const Affine& affine, int64_t in) {
  return {affine.weight, in, panel_columns, affine.packed_weight};
}

/// out = in W^T + b for a strip of rows.
inline void apply(int64_t rows, int64_t in, int64_t out, const float* input, const Affine& affine, float* result) {
  multiply(rows, out, in, {input, in, 1}, right_of_input(affine, in), {result, out, Start::bias, affine.bias});
}

/// Adds the gradients of W and b; `of_input` is that of the input.
inline void apply_backward(int64_t rows, int64_t in, int64_t out, const float* input, const float* gradient,
                           const Affine& affine, AffineGradient of_affine, float* of_input) {
  multiply(out, in, rows, {gradient, 1, out}, {input, in}, {of_affine.weight, in, Start::sum});
  add_rows(rows, out, gradient, of_affine.bias);
  multiply(rows, in, out, {gradient, out, 1}, right_of_gradient(affine, in), {of_input, in});
}

/// out = state + dropout(change) for `count` elements of a curve from `first`, a multiple of dropout_tile; without
/// `state` dropout(change) alone, which is also the way of a gradient back. @param curve in the run
inline void drop(const CurveRun& run, int64_t curve, int64_t first, int64_t count, const float* change,
                 const float* state, float* out) {
  const auto put = [&](int64_t i, Vector value) __attribute__((always_inline)) {
    store(state == nullptr ? value : load(state + i) + value, out + i);
  };
  if (run.dropout == nullptr) {
    for (int64_t i = 0; i < count; i += lanes) put(i, load(change + i));
    return;
  }
  const Vector scale = broadcast(static_cast<float>(run.dropout->scale));
  const uint32_t row = run.first_curve + static_cast<uint32_t>(curve);
  for (int64_t tile = 0; tile < count; tile += dropout_tile) {
    const auto drawn = DropoutTile::draw(*run.dropout, row, static_cast<uint32_t>((first + tile) / dropout_tile));
    const int64_t draws = smaller(dropout_tile, count - tile) / dropout_lanes;
    for (int64_t draw = 0; draw < draws; ++draw) {
      for (int64_t v = 0; v < tile_vectors; ++v) {
        const int64_t i = tile + draw * dropout_lanes + v * lanes;
        put(i, drawn.keep(draw, v, run.dropout->threshold, load(change + i) * scale));
      }
    }
  }
}

}  // namespace
}  // namespace causalfm::model
