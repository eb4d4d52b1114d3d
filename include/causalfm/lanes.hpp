#pragma once

#include <cstdint>

// Vectors of the instruction set that the including file is compiled for, for kernels that are compiled once for each.
// Belongs to no room, as the standard library does not. Internal linkage throughout: the same names mean another width
// in another file; and no function of the standard library, whose inline code of one file another file might be linked
// with.
namespace causalfm {
namespace {

#define CAUSALFM_INLINE [[gnu::always_inline]] static inline

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

template <class Scalar>
constexpr int lane_count = vector_bytes / sizeof(Scalar);

template <class Scalar>
struct LanesOf;
template <>
struct LanesOf<float> {
  using Real = float __attribute__((vector_size(vector_bytes)));
  using Integer = int32_t __attribute__((vector_size(vector_bytes)));
  using Bits = uint32_t __attribute__((vector_size(vector_bytes)));
};
template <>
struct LanesOf<double> {
  using Real = double __attribute__((vector_size(vector_bytes)));
  using Integer = int64_t __attribute__((vector_size(vector_bytes)));
  using Bits = uint64_t __attribute__((vector_size(vector_bytes)));
};

template <class Scalar>
using Real = typename LanesOf<Scalar>::Real;

/// Integers as wide as the scalar, bit patterns, or a mask: -1 where true.
template <class Scalar>
using Integer = typename LanesOf<Scalar>::Integer;

template <class Vector, class Element>
CAUSALFM_INLINE Vector load(const Element* from) {
  Vector value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

/// The first `count` lanes from memory, 0 in the others.
template <class Vector, class Element>
CAUSALFM_INLINE Vector load_part(const Element* from, int64_t count) {
  Vector value = {};
  for (int64_t lane = 0; lane < count; ++lane) value[lane] = from[lane];
  return value;
}

/// The value where the mask is true, 0 elsewhere, whatever the value is there.
template <class Scalar>
CAUSALFM_INLINE Real<Scalar> where(Integer<Scalar> mask, Real<Scalar> value) {
  return reinterpret_cast<Real<Scalar>>(mask & reinterpret_cast<Integer<Scalar>>(value));
}

template <class Scalar>
struct ExponentialConstants;

/// Minimax polynomial of Cephes' expf: 1 ulp.
template <>
struct ExponentialConstants<float> {
  static constexpr float smallest = -64.0F;
  static constexpr float rounding_shift = 0x1.8p23F;
  static constexpr float ln2_high = 0.693359375F;
  static constexpr float ln2_low = -2.12194440e-4F;
  using Bits = uint32_t;
  static constexpr Bits bias = 127;
  static constexpr int mantissa_bits = 23;
  static constexpr float series[] = {5.0000001201e-1F, 1.6666665459e-1F, 4.1665795894e-2F,
                                     8.3334519073e-3F, 1.3981999507e-3F, 1.9875691500e-4F};
};

/// Taylor's series, which ends below 1e-17.
template <>
struct ExponentialConstants<double> {
  static constexpr double smallest = -600.0;
  static constexpr double rounding_shift = 0x1.8p52;
  static constexpr double ln2_high = 0x1.62e42feep-1;  // 32 bits: its products with the power k are exact
  static constexpr double ln2_low = 0x1.a39ef35793c76p-33;
  using Bits = uint64_t;
  static constexpr Bits bias = 1023;
  static constexpr int mantissa_bits = 52;
  static constexpr double series[] = {1.0 / 2,       1.0 / 6,        1.0 / 24,        1.0 / 120,
                                      1.0 / 720,     1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
                                      1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
};

/// x^2 (c_0 + c_1 x + c_2 x^2 + ...) + x by Horner's scheme.
template <class Scalar, int count>
CAUSALFM_INLINE Real<Scalar> series_from_x(Real<Scalar> x, const Scalar (&coefficients)[count]) {
  Real<Scalar> sum = Real<Scalar>{} + coefficients[count - 1];
  for (int power = count - 2; power >= 0; --power) sum = sum * x + coefficients[power];
  return sum * (x * x) + x;
}

template <class Scalar>
struct Exponential {
  Real<Scalar> exp;
  Real<Scalar> expm1;
};

/// e^x and e^x - 1 for x up to some 80; nan for nan. With x = k ln 2 + r, |r| <= ln(2) / 2, they are
/// 2^k + 2^k (e^r - 1) and (2^k - 1) + 2^k (e^r - 1). Below `smallest` e^x counts as 0: it vanishes beside the 1 that
/// every sum of ours holds, and its products would be subnormal numbers, which are slow.
template <class Scalar>
CAUSALFM_INLINE Exponential<Scalar> exponential(Real<Scalar> x) {
  using Constants = ExponentialConstants<Scalar>;
  const Real<Scalar> shifted = x * static_cast<Scalar>(1.4426950408889634) + Constants::rounding_shift;
  const Real<Scalar> power = shifted - Constants::rounding_shift;
  const Real<Scalar> rest = (x - power * Constants::ln2_high) - power * Constants::ln2_low;
  const Real<Scalar> rest_exponential = series_from_x<Scalar>(rest, Constants::series);
  // A factor, not bits added to the exponent: those would turn nan into a number.
  using Bits = typename LanesOf<Scalar>::Bits;
  const Bits scale_bits = (reinterpret_cast<Bits>(shifted) + Constants::bias) << Constants::mantissa_bits;
  const Real<Scalar> scale = reinterpret_cast<Real<Scalar>>(scale_bits);
  const Integer<Scalar> vanishes = x < Constants::smallest;
  const Real<Scalar> zero = {};
  return {vanishes ? zero : scale + scale * rest_exponential,
          vanishes ? zero - Scalar{1} : (scale - Scalar{1}) + scale * rest_exponential};
}

}  // namespace
}  // namespace causalfm
