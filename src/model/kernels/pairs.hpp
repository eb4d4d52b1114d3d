#pragma once

#include "model/kernels/matrices.hpp"

// Matrices rounded to bfloat16, neighbours along the depth in one 32-bit element. Internal linkage; see
// causalfm/lanes.hpp.
namespace causalfm::model {
namespace {

using Pairs = LanesOf<float>::Bits;

/// Depths are padded with zeros to so many pairs.
constexpr int64_t pair_multiple = 16;

constexpr int64_t padded_pairs(int64_t depth) {
  return (depth + 2 * pair_multiple - 1) / (2 * pair_multiple) * pair_multiple;
}

/// The first `count` lanes from memory, 0 in the others.
CAUSALFM_INLINE Vector load_first(const float* from, int64_t count) {
  if (count >= lanes) return load(from);
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1), from);
#else
  return load_part<Vector>(from, count);
#endif
}

CAUSALFM_INLINE void store_pairs(Pairs value, uint32_t* to) { __builtin_memcpy(to, &value, sizeof value); }

#if !defined(__AVX512BF16__)
/// Rounded to the nearest bfloat16, to even where two are as near, in the upper half of each lane.
CAUSALFM_INLINE Pairs rounded(Vector value) {
  const Pairs bits = reinterpret_cast<Pairs>(value);
  const Pairs nearest = bits + (0x7fffU + ((bits >> 16) & 1U));
  const Pairs not_a_number = Pairs{} + 0x7fc00000U;
  return (value != value ? not_a_number : nearest) & 0xffff0000U;
}
#endif

/// `even` in the lower halves, `odd` in the upper ones.
CAUSALFM_INLINE Pairs pairs_of(Vector even, Vector odd) {
#if defined(__AVX512BF16__)
  using Halves = uint16_t __attribute__((vector_size(64)));
  const Halves both = reinterpret_cast<Halves>(_mm512_cvtne2ps_pbh(odd, even));
  return reinterpret_cast<Pairs>(__builtin_shufflevector(both, both, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7,
                                                         23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                                         31));
#else
  return (rounded(even) >> 16) | rounded(odd);
#endif
}

/// Every second of 2 lanes numbers from memory.
template <int offset>
struct EverySecond {
  static constexpr int from(int lane) { return 2 * lane + offset; }
};

/// 2 lanes neighbours in memory, `first` and then `second`.
CAUSALFM_INLINE Pairs pairs_in_a_row(Vector first, Vector second) {
#if defined(__AVX512BF16__)
  return reinterpret_cast<Pairs>(_mm512_cvtne2ps_pbh(second, first));
#else
  return pairs_of(shuffled<EverySecond<0>>(first, second), shuffled<EverySecond<1>>(first, second));
#endif
}

/// A block of packed matrices: `left` [rows, pairs], `right` [columns / lanes, pairs, lanes].
struct PackedBlock {
  const uint32_t* left;
  int64_t left_row;  ///< elements
  const uint32_t* right;
  int64_t right_tile;  ///< elements from one `lanes` columns to the next
  int64_t pairs;       ///< that are multiplied
};

/// [rows, depth] -> [rows, padded pairs]; what is written of rows beyond `rows`, up to a multiple of `lanes`, is
/// meaningless.
inline void pack_left(int64_t rows, int64_t depth, Left left, uint32_t* out) {
  const int64_t pairs = padded_pairs(depth);
  if (left.step == 1) {
    for (int64_t r = 0; r < rows; ++r) {
      const float* const row = left.values + r * left.row;
      for (int64_t p = 0; p < pairs; p += lanes) {
        const int64_t rest = depth - 2 * p;
        const Vector first = rest <= 0 ? Vector{} : load_first(row + 2 * p, rest);
        const Vector second = rest <= lanes ? Vector{} : load_first(row + 2 * p + lanes, rest - lanes);
        store_pairs(pairs_in_a_row(first, second), out + r * pairs + p);
      }
    }
    return;
  }
  for (int64_t r = 0; r < rows; r += lanes) {
    for (int64_t p = 0; p < pairs; p += lanes) {
      Vector block[lanes];
      for (int64_t i = 0; i < lanes; ++i) {
        const int64_t k = 2 * (p + i);
        const float* const at = left.values + k * left.step + r;
        const Vector even = k < depth ? load_first(at, rows - r) : Vector{};
        const Vector odd = k + 1 < depth ? load_first(at + left.step, rows - r) : Vector{};
        block[i] = reinterpret_cast<Vector>(pairs_of(even, odd));
      }
      transpose(block);
      for (int64_t i = 0; i < lanes; ++i) store_pairs(reinterpret_cast<Pairs>(block[i]), out + (r + i) * pairs + p);
    }
  }
}

/// [depth, columns] -> [columns / lanes, padded pairs, lanes]. @param columns a multiple of `lanes`, from `first`
inline void pack_right(int64_t depth, int64_t first, int64_t columns, Right right, uint32_t* out) {
  const int64_t pairs = padded_pairs(depth);
  for (int64_t c = first; c < first + columns; c += lanes) {
    const float* const column = right.values + c / panel_columns * right.panel + c % panel_columns;
    for (int64_t p = 0; p < pairs; ++p, out += lanes) {
      const int64_t k = 2 * p;
      const Vector even = k < depth ? load(column + k * right.row) : Vector{};
      const Vector odd = k + 1 < depth ? load(column + (k + 1) * right.row) : Vector{};
      store_pairs(pairs_of(even, odd), out);
    }
  }
}

}  // namespace
}  // namespace causalfm::model
