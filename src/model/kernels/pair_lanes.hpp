#pragma once

#include "model/kernels/pairs.hpp"

// Products of packed matrices in lanes: by the instruction for dot products of bfloat16, or where there is none as two
// products of float32. Internal linkage; see causalfm/lanes.hpp.
namespace causalfm::model {
namespace {

/// Rows of the left matrix that are packed at once.
constexpr int64_t packed_rows = 48;

constexpr int64_t multiplied_pairs(int64_t depth) { return (depth + 1) / 2; }

/// Nothing to set up.
struct MatrixUnit {};

/// sum + even left x even right + odd left x odd right
CAUSALFM_INLINE Vector add_product(Vector sum, Pairs left, Pairs right) {
#if defined(__AVX512BF16__)
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(left), reinterpret_cast<__m512bh>(right));
#else
  const auto even = [](Pairs pairs) __attribute__((always_inline)) { return reinterpret_cast<Vector>(pairs << 16); };
  const auto odd = [](Pairs pairs) __attribute__((always_inline)) {
    return reinterpret_cast<Vector>(pairs & 0xffff0000U);
  };
  return sum + even(left) * even(right) + odd(left) * odd(right);
#endif
}

template <int rows, int vectors>
CAUSALFM_INLINE void multiply_tile(const PackedBlock& block, const Result& result) {
  Vector sums[rows][vectors];
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) sums[r][v] = start_of(result.start, result, r, v * lanes);
  }
  const uint32_t *left = block.left, *right = block.right;
  for (int64_t p = 0; p < block.pairs; ++p, ++left, right += lanes) {
    Pairs columns[vectors];
    for (int v = 0; v < vectors; ++v) columns[v] = causalfm::load<Pairs>(right + v * block.right_tile);
    for (int r = 0; r < rows; ++r) {
      const Pairs factor = Pairs{} + left[r * block.left_row];
      for (int v = 0; v < vectors; ++v) sums[r][v] = add_product(sums[r][v], factor, columns[v]);
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) store(sums[r][v], result.values + r * result.row + v * lanes);
  }
}

/// As many tiles of `rows` as there are, then of fewer.
template <int rows, int vectors>
CAUSALFM_INLINE void multiply_rows(int64_t count, PackedBlock block, Result result) {
  for (; count >= rows; count -= rows) {
    multiply_tile<rows, vectors>(block, result);
    block.left += rows * block.left_row;
    result.values += rows * result.row;
  }
  if constexpr (rows > 1) multiply_rows<(rows > 2 ? rows / 2 : 1), vectors>(count, block, result);
}

template <int vectors>
[[gnu::noinline]] void multiply_panel(int64_t rows, const PackedBlock& block, const Result& result) {
  multiply_rows<tile_rows<vectors>, vectors>(rows, block, result);
}

/// `rows` of a packed left matrix, packed_rows at most, by `columns`.
inline void multiply_packed(int64_t rows, int64_t columns, const PackedBlock& block, const Result& result,
                            MatrixUnit& /*unit*/) {
  for_each_panel(columns, [&](int64_t first, auto vectors) {
    PackedBlock part = block;
    part.right += first / lanes * block.right_tile;
    Result of_part = result;
    of_part.values += first;
    of_part.bias += first;
    multiply_panel<vectors>(rows, part, of_part);
  });
}

}  // namespace
}  // namespace causalfm::model
