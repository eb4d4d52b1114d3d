#pragma once

#include <cstdint>

#ifdef __x86_64__
#include <immintrin.h>
#endif

// Vectors of the instruction set that the including file is compiled for, with the few functions that the simulator
// needs. Internal linkage throughout: the same names mean another width in another file.
namespace causalfm::simulation {
namespace {

#define CAUSALFM_LANES_INLINE [[gnu::always_inline]] static inline

#if defined(__AVX512F__)
constexpr int lane_count = 8;
#elif defined(__AVX2__)
constexpr int lane_count = 4;
#else
constexpr int lane_count = 2;
#endif

using Real = double __attribute__((vector_size(lane_count * 8)));
using Bits = uint64_t __attribute__((vector_size(lane_count * 8)));

CAUSALFM_LANES_INLINE Bits bits_of(Real value) { return reinterpret_cast<Bits>(value); }
CAUSALFM_LANES_INLINE Real real_of(Bits bits) { return reinterpret_cast<Real>(bits); }

CAUSALFM_LANES_INLINE Real load(const double* from) {
  Real value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

CAUSALFM_LANES_INLINE void store(Real value, double* to) { __builtin_memcpy(to, &value, sizeof value); }

/// 0, 1, 2, ...
CAUSALFM_LANES_INLINE Bits lane_numbers() {
  Bits numbers = {};
  for (int lane = 0; lane < lane_count; ++lane) {
    numbers[lane] = static_cast<uint64_t>(lane);
  }
  return numbers;
}

/// The 64-bit products of the low halves of the lanes; the high halves are ignored. (The masks of all lanes here and
/// below say nothing; they spare GCC 12 a false warning about uninitialised values in its own header.)
CAUSALFM_LANES_INLINE Bits multiply_words(Bits left, Bits right) {
#if defined(__AVX512F__)
  return reinterpret_cast<Bits>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(left), reinterpret_cast<__m512i>(right)));
#elif defined(__AVX2__)
  return reinterpret_cast<Bits>(_mm256_mul_epu32(reinterpret_cast<__m256i>(left), reinterpret_cast<__m256i>(right)));
#elif defined(__x86_64__)
  return reinterpret_cast<Bits>(_mm_mul_epu32(reinterpret_cast<__m128i>(left), reinterpret_cast<__m128i>(right)));
#else
  return (left & 0xffffffffU) * (right & 0xffffffffU);
#endif
}

CAUSALFM_LANES_INLINE Real square_root(Real value) {
#if defined(__AVX512F__)
  return reinterpret_cast<Real>(_mm512_maskz_sqrt_pd(0xff, reinterpret_cast<__m512d>(value)));
#elif defined(__AVX2__)
  return reinterpret_cast<Real>(_mm256_sqrt_pd(reinterpret_cast<__m256d>(value)));
#elif defined(__x86_64__)
  return reinterpret_cast<Real>(_mm_sqrt_pd(reinterpret_cast<__m128d>(value)));
#else
  for (int lane = 0; lane < lane_count; ++lane) {
    value[lane] = __builtin_sqrt(value[lane]);
  }
  return value;
#endif
}

/// Exact for integers below 2^52, by way of the mantissa of 2^52 + integer.
CAUSALFM_LANES_INLINE Real real_from_integer(Bits integer) { return real_of(integer | 0x4330000000000000U) - 0x1.0p52; }

/// Adding and subtracting this rounds to the nearest integer, which the sum's lowest bits then hold (|value| < 2^51).
constexpr double rounding_shift = 0x1.8p52;

/// The value, or the bound that it passes.
CAUSALFM_LANES_INLINE Real limited(Real value, double bound) {
  const Real below = value < bound ? value : Real{} + bound;
  return below > -bound ? below : Real{} - bound;
}

/// c_0 + c_1 x + c_2 x^2 + ... by Horner's scheme.
template <int count>
CAUSALFM_LANES_INLINE Real polynomial(Real x, const double (&coefficients)[count]) {
  Real sum = Real{} + coefficients[count - 1];
  for (int power = count - 2; power >= 0; --power) {
    sum = sum * x + coefficients[power];
  }
  return sum;
}

struct SineCosine {
  Real sine;
  Real cosine;
};

/// Of 2 pi turns. The nearest quarter of a turn is taken off exactly; on what remains, at most pi / 4, Taylor's series
/// ends below 1e-17.
CAUSALFM_LANES_INLINE SineCosine sine_cosine(Real turns) {
  static constexpr double sine_series[] = {-1.0 / 6,        1.0 / 120,          -1.0 / 5040,           1.0 / 362880,
                                           -1.0 / 39916800, 1.0 / 6227020800.0, -1.0 / 1307674368000.0};
  static constexpr double cosine_series[] = {
      -1.0 / 2,       1.0 / 24,        -1.0 / 720,           1.0 / 40320,
      -1.0 / 3628800, 1.0 / 479001600, -1.0 / 87178291200.0, 1.0 / 20922789888000.0};
  const Real shifted = turns * 4.0 + rounding_shift;
  const Bits quarter = bits_of(shifted);
  const Real angle = (turns - (shifted - rounding_shift) * 0.25) * 6.283185307179586;
  const Real square = angle * angle;
  const Real sine = angle + angle * square * polynomial(square, sine_series);
  const Real cosine = 1.0 + square * polynomial(square, cosine_series);
  const auto odd = (quarter & 1U) != 0U;
  const Bits sine_sign = (quarter & 2U) << 62;
  const Bits cosine_sign = ((quarter + 1U) & 2U) << 62;
  return {real_of(bits_of(odd ? cosine : sine) ^ sine_sign), real_of(bits_of(odd ? sine : cosine) ^ cosine_sign)};
}

/// Of positive normal numbers: with value = 2^k m, m in [sqrt(1/2), sqrt(2)) and s = (m - 1) / (m + 1),
/// ln value = k ln 2 + 2 artanh s, whose series ends below 1e-17.
CAUSALFM_LANES_INLINE Real logarithm(Real value) {
  static constexpr double series[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11,
                                      2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21};
  constexpr uint64_t half_root = 0x3fe6a09e00000000U;  // sqrt(1/2), its upper word
  const Bits shifted = bits_of(value) - half_root;
  const Bits exponent = (shifted + 0x3ff0000000000000U) >> 52;
  const Real mantissa = real_of((shifted & 0x000fffffffffffffU) + half_root);
  const Real s = (mantissa - 1.0) / (mantissa + 1.0);
  const Real square = s * s;
  const Real artanh_twice = 2.0 * s + s * square * polynomial(square, series);
  return (real_from_integer(exponent) - 1023.0) * 0.6931471805599453 + artanh_twice;
}

/// Of the value cut off at +-700, which stay finite: 2^k e^r with |r| <= ln(2) / 2, whose series ends below 1e-17.
CAUSALFM_LANES_INLINE Real exponential(Real exponent) {
  static constexpr double series[] = {
      1.0,         1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,         1.0 / 5040,
      1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
  constexpr double ln2_high = 0x1.62e42feep-1;  // 32 bits: its products with the power k are exact
  constexpr double ln2_low = 0x1.a39ef35793c76p-33;
  const Real value = limited(exponent, 700.0);
  const Real shifted = value * 1.4426950408889634 + rounding_shift;
  const Real power = shifted - rounding_shift;
  const Real rest = (value - power * ln2_high) - power * ln2_low;
  const Real result = 1.0 + rest * polynomial(rest, series);
  return real_of(bits_of(result) + (bits_of(shifted) << 52));
}

}  // namespace
}  // namespace causalfm::simulation
