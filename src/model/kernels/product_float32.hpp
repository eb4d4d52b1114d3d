#pragma once

#include "model/kernels/matrices.hpp"

// Products of small matrices in float32. Internal linkage; see causalfm/lanes.hpp.
namespace causalfm::model {
namespace {

/// @param start that of `result`, known when compiling so that sums stay in registers
template <int rows, int vectors, Start start>
CAUSALFM_INLINE void multiply_tile(Left left, const float* right, int64_t right_row, int64_t depth, Result result) {
  Vector sums[rows][vectors];
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) sums[r][v] = start_of(start, result, r, v * lanes);
  }
  for (int64_t k = 0; k < depth; ++k) {
    Vector columns[vectors];
    for (int v = 0; v < vectors; ++v) columns[v] = load(right + v * lanes);
    for (int r = 0; r < rows; ++r) {
      const Vector factor = broadcast(left.values[r * left.row]);
      for (int v = 0; v < vectors; ++v) sums[r][v] += factor * columns[v];
    }
    left.values += left.step;
    right += right_row;
  }
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) store(sums[r][v], result.values + r * result.row + v * lanes);
  }
}

/// As many tiles of `rows` as there are, then of fewer.
template <int rows, int vectors, Start start>
CAUSALFM_INLINE void multiply_rows(int64_t count, Left left, const float* right, int64_t right_row, int64_t depth,
                                   Result result) {
  while (count >= rows) {
    multiply_tile<rows, vectors, start>(left, right, right_row, depth, result);
    left.values += rows * left.row;
    result.values += rows * result.row;
    count -= rows;
  }
  if constexpr (rows > 1)
    multiply_rows<(rows > 2 ? rows / 2 : 1), vectors, start>(count, left, right, right_row, depth, result);
}

template <int vectors>
[[gnu::noinline]] void multiply_panel(int64_t rows, Left left, const float* right, int64_t right_row, int64_t depth,
                                      Result result) {
  switch (result.start) {
    case Start::bias:
      return multiply_rows<tile_rows<vectors>, vectors, Start::bias>(rows, left, right, right_row, depth, result);
    case Start::sum:
      return multiply_rows<tile_rows<vectors>, vectors, Start::sum>(rows, left, right, right_row, depth, result);
    default:
      return multiply_rows<tile_rows<vectors>, vectors, Start::zero>(rows, left, right, right_row, depth, result);
  }
}

/// `result` = start + left x right. @param columns a multiple of `lanes`
/// Every element is the same sum in the same order (k upwards), whatever the number of rows or columns.
inline void multiply(int64_t rows, int64_t columns, int64_t depth, Left left, Right right, Result result) {
  for_each_panel(columns, [&](int64_t first, auto vectors) {
    Result part = result;
    part.values += first;
    part.bias += first;
    multiply_panel<vectors>(rows, left, right.values + first / panel_columns * right.panel, right.row, depth, part);
  });
}

}  // namespace
}  // namespace causalfm::model
