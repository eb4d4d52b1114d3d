#pragma once

#include "causalfm/lanes.hpp"

#include <immintrin.h>

// Vectors of float32 and the functions of them that the networks need. Internal linkage; see causalfm/lanes.hpp.
namespace causalfm::model {
namespace {

using Vector = Real<float>;
using Mask = Integer<float>;

constexpr int64_t lanes = lane_count<float>;
constexpr int vector_registers = vector_bytes == 64 ? 32 : 16;

CAUSALFM_INLINE Vector load(const float* from) { return causalfm::load<Vector>(from); }
CAUSALFM_INLINE void store(Vector value, float* to) { __builtin_memcpy(to, &value, sizeof value); }

/// Past the caches, to a 64-byte boundary: for what is not read before backward. Without it a processor first reads the
/// line that is about to be overwritten.
CAUSALFM_INLINE void store_past_caches(Vector value, float* to) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, value);
#else
  _mm256_stream_ps(to, value);
#endif
}

/// Makes what was stored past the caches visible to other threads.
CAUSALFM_INLINE void finish_stores() { _mm_sfence(); }

/// The same number in every lane. A difference, because a sum with zero turns -0 into 0 and remains an addition.
CAUSALFM_INLINE Vector broadcast(float value) { return value - Vector{}; }

/// The smaller; nan where `value` is.
CAUSALFM_INLINE Vector at_most(float bound, Vector value) {
#if defined(__AVX512F__)
  return _mm512_maskz_min_ps(0xffff, broadcast(bound), value);
#else
  return _mm256_min_ps(broadcast(bound), value);
#endif
}

/// The larger; `right` where one is nan.
CAUSALFM_INLINE Vector maximum(Vector left, Vector right) {
#if defined(__AVX512F__)
  return _mm512_maskz_max_ps(0xffff, left, right);
#else
  return _mm256_max_ps(left, right);
#endif
}

/// The numbers 0 ... lanes - 1 as arguments of a template.
template <int... lane>
struct LaneNumbers {};
#if defined(__AVX512F__)
using AllLanes = LaneNumbers<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>;
#else
using AllLanes = LaneNumbers<0, 1, 2, 3, 4, 5, 6, 7>;
#endif

/// Lane l of the result is lane Pick::from(l) of left and right put one after the other.
template <class Pick, int... lane>
CAUSALFM_INLINE Vector shuffled(Vector left, Vector right, LaneNumbers<lane...>) {
  return __builtin_shufflevector(left, right, Pick::from(lane)...);
}
template <class Pick>
CAUSALFM_INLINE Vector shuffled(Vector left, Vector right) {
  return shuffled<Pick>(left, right, AllLanes{});
}

/// The neighbour at a distance, itself a power of 2, with which lanes exchange their values.
template <int distance>
struct Neighbour {
  static constexpr int from(int lane) { return lane ^ distance; }
};

template <int distance>
CAUSALFM_INLINE Vector exchange(Vector value) {
  return shuffled<Neighbour<distance>>(value, value);
}

/// The sum of all lanes, in every lane.
CAUSALFM_INLINE Vector sum_of_lanes(Vector value) {
  value += exchange<1>(value);
  value += exchange<2>(value);
  value += exchange<4>(value);
  if constexpr (lanes == 16) value += exchange<8>(value);
  return value;
}

/// Runs of `count` lanes taken from left and from right in turn: with `offset` 0 the first of each two runs, with
/// `offset` count the second.
template <int count, int offset>
struct Alternate {
  static constexpr int from(int lane) {
    const bool of_left = lane / count % 2 == 0;
    return (of_left ? lane : lane - count + static_cast<int>(lanes)) + offset;
  }
};

/// The sums of neighbouring runs of `count` lanes, those of left and of right in turn.
template <int count>
CAUSALFM_INLINE Vector joined_sums(Vector left, Vector right) {
  return shuffled<Alternate<count, 0>>(left, right) + shuffled<Alternate<count, count>>(left, right);
}

/// Lane l has the sum of all lanes of values[l % 4], added in the same order as sum_of_lanes does.
CAUSALFM_INLINE Vector sums_of_lanes(const Vector (&values)[4]) {
  Vector sums = joined_sums<2>(joined_sums<1>(values[0], values[1]), joined_sums<1>(values[2], values[3]));
  sums += exchange<4>(sums);
  if constexpr (lanes == 16) sums += exchange<8>(sums);
  return sums;
}

/// The lanes of left and right in turn: their lower halves, or with `offset` lanes / 2 their upper ones.
template <int offset>
struct Interleaved {
  static constexpr int from(int lane) { return lane / 2 + lane % 2 * static_cast<int>(lanes) + offset; }
};

/// rows[r][c] becomes rows[c][r]. A step takes the rows r and r + lanes / 2 lane by lane in turn; after log2(lanes) of
/// them every element has come to its place.
CAUSALFM_INLINE void transpose(Vector (&rows)[lanes]) {
  constexpr int half = static_cast<int>(lanes) / 2;
  for (int64_t step = 1; step < lanes; step *= 2) {
    Vector next[lanes];
    for (int r = 0; r < half; ++r) {
      next[2 * r] = shuffled<Interleaved<0>>(rows[r], rows[r + half]);
      next[2 * r + 1] = shuffled<Interleaved<half>>(rows[r], rows[r + half]);
    }
    for (int r = 0; r < lanes; ++r) rows[r] = next[r];
  }
}

#if defined(__AVX512F__)
/// e^r - 1 = r + r^2 / 2 + ..., |r| <= ln(2) / 2, by Taylor's series to r^7, and k with x = k ln 2 + r.
struct ReducedExponential {
  Vector rest;
  Vector power;
};

CAUSALFM_INLINE ReducedExponential reduced_exponential(Vector x) {
  const Vector power = _mm512_maskz_roundscale_ps(0xffff, x * 1.44269504F, _MM_FROUND_TO_NEAREST_INT);
  const Vector rest = (x - power * 0.693359375F) - power * -2.12194440e-4F;
  constexpr float series[] = {1.0F, 1.0F / 2, 1.0F / 6, 1.0F / 24, 1.0F / 120, 1.0F / 720, 1.0F / 5040};
  Vector sum = broadcast(series[6]);
  for (int i = 5; i >= 0; --i) sum = sum * rest + series[i];
  return {sum * rest, power};
}
#endif

/// e^x to 1 ulp or 2 for x up to 80; 0 for -inf, nan for nan. With 512 bits by the instruction that scales by 2^k.
CAUSALFM_INLINE Vector exp(Vector x) {
#if defined(__AVX512F__)
  const ReducedExponential reduced = reduced_exponential(x);
  return _mm512_maskz_scalef_ps(0xffff, 1.0F + reduced.rest, reduced.power);
#else
  return exponential<float>(x).exp;
#endif
}

/// e^x - 1, whose relative error near 0 is that of x, for x up to 80.
CAUSALFM_INLINE Vector expm1(Vector x) {
#if defined(__AVX512F__)
  const ReducedExponential reduced = reduced_exponential(x);
  return _mm512_maskz_scalef_ps(0xffff, reduced.rest, reduced.power) +
         (_mm512_maskz_scalef_ps(0xffff, broadcast(1.0F), reduced.power) - 1.0F);
#else
  return exponential<float>(x).expm1;
#endif
}

/// 1 / x to 1 ulp, for finite x that are not too small; nan stays nan. With 512 bits by one step of Newton's method
/// from an estimate of 14 bits, several times as fast as a division.
CAUSALFM_INLINE Vector reciprocal(Vector x) {
#if defined(__AVX512F__)
  const Vector estimate = _mm512_maskz_rcp14_ps(0xffff, x);
  return estimate * (2.0F - x * estimate);
#else
  return 1.0F / x;
#endif
}

CAUSALFM_INLINE Vector sigmoid(Vector x) { return reciprocal(1.0F + exp(at_most(80.0F, -x))); }

/// From e^(2x) - 1, so that near 0 it is as exact as x.
CAUSALFM_INLINE Vector tanh(Vector x) {
  const Vector grown = expm1(at_most(60.0F, 2.0F * x));
  return grown * reciprocal(grown + 2.0F);
}

}  // namespace
}  // namespace causalfm::model
