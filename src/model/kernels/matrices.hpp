#pragma once

#include "model/kernels/vectors.hpp"

#include <cstdint>

// The small matrices that products are taken of. Internal linkage; see causalfm/lanes.hpp.
namespace causalfm::model {
namespace {

/// Columns that one pass over the left matrix computes: four vectors.
constexpr int64_t panel_columns = 4 * lanes;

/// The smaller of two sizes.
CAUSALFM_INLINE int64_t smaller(int64_t left, int64_t right) { return left < right ? left : right; }

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

/// [rows, depth]: element (r, k) at values[r * row + k * step], where one of row and step is 1; with row 1 and step the
/// width it is a transposed matrix.
struct Left {
  const float* values;
  int64_t row;
  int64_t step;
};

/// [depth, columns]: element (k, c) of panel p = c / panel_columns at values[p * panel + k * row + c % panel_columns].
/// `packed`, if not null, is the same matrix as Packing::pack (kernels.hpp) has laid it out.
struct Right {
  const float* values;
  int64_t row;
  int64_t panel = panel_columns;
  const uint32_t* packed = nullptr;
};

enum class Start { zero, bias, sum };

/// [rows, columns], what the product is written to, starting from zero, from `bias` [columns] or from what is there.
struct Result {
  float* values;
  int64_t row;
  Start start = Start::zero;
  const float* bias = nullptr;
};

/// What a sum of row r starts from, in the columns from c.
CAUSALFM_INLINE Vector start_of(Start start, const Result& result, int64_t r, int64_t c) {
  switch (start) {
    case Start::bias:
      return load(result.bias + c);
    case Start::sum:
      return load(result.values + r * result.row + c);
    default:
      return Vector{};
  }
}

/// Rows of a tile whose sums, with `vectors` of the right matrix and one of the left, fill the registers.
template <int vectors>
constexpr int tile_rows = vector_registers == 32 ? (vectors == 4 ? 6 : 8)
                                                 : (vectors == 4   ? 3
                                                    : vectors == 3 ? 4
                                                    : vectors == 2 ? 6
                                                                   : 8);

}  // namespace
}  // namespace causalfm::model
