#pragma once

#include <cstdint>

#include "model/kernels/vectors.hpp"

// Products of small matrices of float32, of which everything here is made. Internal linkage; see causalfm/lanes.hpp.
namespace causalfm::model {
namespace {

/// Columns that one pass over the left matrix computes: four vectors.
constexpr int64_t panel_columns = 4 * lanes;

/// A number that is known when compiling.
template <int64_t value>
struct Constant {
  constexpr operator int64_t() const { return value; }
};

/// Calls visit(first column, vectors) for the columns four vectors at a time, then the rest; `vectors` is a Constant.
template <class Visit>
CAUSALFM_INLINE void for_each_panel(int64_t columns, const Visit& visit) {
  for (int64_t first = 0; first < columns; first += panel_columns) {
    switch ((columns - first) / lanes) {
      case 1:
        visit(first, Constant<1>{});
        break;
      case 2:
        visit(first, Constant<2>{});
        break;
      case 3:
        visit(first, Constant<3>{});
        break;
      default:
        visit(first, Constant<4>{});
    }
  }
}

/// [rows, depth]: element (r, k) at values[r * row + k * step]; with row 1 and step the width it is a transposed
/// matrix.
struct Left {
  const float* values;
  int64_t row;
  int64_t step;
};

/// [depth, columns]: element (k, c) of panel p = c / panel_columns at values[p * panel + k * row + c % panel_columns].
struct Right {
  const float* values;
  int64_t row;
  int64_t panel = panel_columns;
};

enum class Start { zero, bias, sum };

/// [rows, columns], what the product is written to, starting from zero, from `bias` [columns] or from what is there.
struct Result {
  float* values;
  int64_t row;
  Start start = Start::zero;
  const float* bias = nullptr;
};

/// Rows of a tile whose sums, with `vectors` of the right matrix and one of the left, fill the registers.
template <int vectors>
constexpr int tile_rows = vector_registers == 32 ? (vectors == 4 ? 6 : 8)
                                                 : (vectors == 4   ? 3
                                                    : vectors == 3 ? 4
                                                    : vectors == 2 ? 6
                                                                   : 8);

template <int rows, int vectors>
CAUSALFM_INLINE void multiply_tile(Left left, const float* right, int64_t right_row, int64_t depth, Result result) {
  Vector sums[rows][vectors];
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) {
      sums[r][v] = Vector{};
      if (result.start == Start::bias) sums[r][v] = load(result.bias + v * lanes);
      if (result.start == Start::sum) sums[r][v] = load(result.values + r * result.row + v * lanes);
    }
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
template <int rows, int vectors>
CAUSALFM_INLINE void multiply_rows(int64_t count, Left left, const float* right, int64_t right_row, int64_t depth,
                                   Result result) {
  while (count >= rows) {
    multiply_tile<rows, vectors>(left, right, right_row, depth, result);
    left.values += rows * left.row;
    result.values += rows * result.row;
    count -= rows;
  }
  if constexpr (rows > 1)
    multiply_rows<(rows > 2 ? rows / 2 : 1), vectors>(count, left, right, right_row, depth, result);
}

template <int vectors>
[[gnu::noinline]] void multiply_panel(int64_t rows, Left left, const float* right, int64_t right_row, int64_t depth,
                                      Result result) {
  multiply_rows<tile_rows<vectors>, vectors>(rows, left, right, right_row, depth, result);
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
