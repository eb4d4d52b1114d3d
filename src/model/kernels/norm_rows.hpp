#pragma once

#include "model/kernels/arrays.hpp"
#include "model/kernels/rows.hpp"
#include "model/kernels/vectors.hpp"

// LayerNorm of rows, forward and backward, four rows at a time so that they share the sums over lanes. A row's result
// does not depend on how many are taken at a time. Internal linkage; see causalfm/lanes.hpp.
namespace causalfm::model {
namespace {

/// Rows of `width` elements, `row` apart.
struct Rows {
  const float* values;
  int64_t row;
};
struct MutableRows {
  float* values;
  int64_t row;
};

/// The mean over lanes, in every lane, of `share` times each value.
template <int count>
CAUSALFM_INLINE void spread_sums(const Vector (&values)[count], float share, Vector (&sums)[count]) {
  if constexpr (count == 4) {
    const Vector together = sums_of_lanes(values) * share;
    for (int r = 0; r < count; ++r) sums[r] = broadcast(together[r]);
  } else {
    for (int r = 0; r < count; ++r) sums[r] = sum_of_lanes(values[r]) * share;
  }
}

template <int count>
struct Moments {
  Vector mean[count];
  Vector inverse_deviation[count];
};

template <int count>
CAUSALFM_INLINE Moments<count> moments_of(int64_t width, Rows input) {
  const float share = 1.0F / static_cast<float>(width);
  Moments<count> moments;
  Vector sums[count] = {}, squares[count] = {};
  for (int64_t c = 0; c < width; c += lanes) {
    for (int r = 0; r < count; ++r) sums[r] += load(input.values + r * input.row + c);
  }
  spread_sums(sums, share, moments.mean);
  for (int64_t c = 0; c < width; c += lanes) {
    for (int r = 0; r < count; ++r) {
      const Vector difference = load(input.values + r * input.row + c) - moments.mean[r];
      squares[r] += difference * difference;
    }
  }
  spread_sums(squares, share, sums);
  // Roots and quotients of four numbers at once, not of four vectors.
  using Four = float __attribute__((vector_size(16)));
  Four variance = {};
  for (int r = 0; r < count; ++r) variance[r] = sums[r][0];
  variance = reinterpret_cast<Four>(_mm_sqrt_ps(reinterpret_cast<__m128>(variance + 1e-5F)));
  variance = 1.0F / variance;
  for (int r = 0; r < count; ++r) moments.inverse_deviation[r] = broadcast(variance[r]);
  return moments;
}

template <int count>
CAUSALFM_INLINE void normalise_some(int64_t width, Rows input, Norm norm, MutableRows out) {
  const Moments<count> moments = moments_of<count>(width, input);
  for (int64_t c = 0; c < width; c += lanes) {
    const Vector weight = load(norm.weight + c), bias = load(norm.bias + c);
    for (int r = 0; r < count; ++r) {
      const Vector normal = (load(input.values + r * input.row + c) - moments.mean[r]) * moments.inverse_deviation[r];
      store(normal * weight + bias, out.values + r * out.row + c);
    }
  }
}

/// Calls visit(first row, Constant of how many) for all rows, four at a time while there are.
template <class Visit>
CAUSALFM_INLINE void for_each_four(int64_t rows, const Visit& visit) {
  int64_t row = 0;
  for (; row + 4 <= rows; row += 4) visit(row, Constant<4>{});
  for (; row < rows; ++row) visit(row, Constant<1>{});
}

inline void normalise(int64_t rows, int64_t width, Rows input, Norm norm, MutableRows out) {
  with_width(
      width, [&](auto columns) __attribute__((always_inline)) {
        for_each_four(
            rows, [&](int64_t first, auto count) __attribute__((always_inline)) {
              normalise_some<count>(columns, {input.values + first * input.row, input.row}, norm,
                                    {out.values + first * out.row, out.row});
            });
      });
}

/// From the gradient of normalised rows: adds to those of weight, of bias and of the rows before.
template <int count>
CAUSALFM_INLINE void normalise_some_backward(int64_t width, Rows input, Rows gradient, Norm norm, NormGradient of_norm,
                                             MutableRows of_input) {
  const Moments<count> moments = moments_of<count>(width, input);
  const auto normal = [&](int r, int64_t c) __attribute__((always_inline)) {
    return (load(input.values + r * input.row + c) - moments.mean[r]) * moments.inverse_deviation[r];
  };
  Vector sums[count] = {}, product_sums[count] = {};
  for (int64_t c = 0; c < width; c += lanes) {
    const Vector weight = load(norm.weight + c);
    Vector of_weight = load(of_norm.weight + c), of_bias = load(of_norm.bias + c);
    for (int r = 0; r < count; ++r) {
      const Vector change = load(gradient.values + r * gradient.row + c), product = change * normal(r, c);
      of_weight += product;
      of_bias += change;
      sums[r] += change * weight;
      product_sums[r] += product * weight;
    }
    store(of_weight, of_norm.weight + c);
    store(of_bias, of_norm.bias + c);
  }
  const float share = 1.0F / static_cast<float>(width);
  Vector mean[count], product_mean[count];
  spread_sums(sums, share, mean);
  spread_sums(product_sums, share, product_mean);
  for (int64_t c = 0; c < width; c += lanes) {
    const Vector weight = load(norm.weight + c);
    for (int r = 0; r < count; ++r) {
      float* const at = of_input.values + r * of_input.row + c;
      const Vector weighted = load(gradient.values + r * gradient.row + c) * weight;
      store(load(at) + moments.inverse_deviation[r] * (weighted - mean[r] - normal(r, c) * product_mean[r]), at);
    }
  }
}

/// The same for a strip. The sums of weight and bias are of the strip first, then added to the rest: shorter sums of
/// float32 are more exact.
inline void normalise_backward(int64_t rows, int64_t width, Rows input, Rows gradient, Norm norm, NormGradient of_norm,
                               MutableRows of_input) {
  alignas(64) float of_weight[largest_width], of_bias[largest_width];
  zero(width, of_weight);
  zero(width, of_bias);
  with_width(
      width, [&](auto columns) __attribute__((always_inline)) {
        for_each_four(
            rows, [&](int64_t first, auto count) __attribute__((always_inline)) {
              normalise_some_backward<count>(columns, {input.values + first * input.row, input.row},
                                             {gradient.values + first * gradient.row, gradient.row}, norm,
                                             {of_weight, of_bias},
                                             {of_input.values + first * of_input.row, of_input.row});
            });
      });
  add(width, of_weight, of_norm.weight);
  add(width, of_bias, of_norm.bias);
}

}  // namespace
}  // namespace causalfm::model
