#pragma once

#include "model/kernels/pairs.hpp"

// Products of packed matrices by AMX. Internal linkage; see causalfm/lanes.hpp.
namespace causalfm::model {
namespace {

/// A tile is at most so many rows of as many elements of 32 bits.
constexpr int64_t tile_size = 16;
constexpr int64_t tile_row_bytes = 4 * tile_size;

/// Rows of the left matrix that are packed at once: two tiles.
constexpr int64_t packed_rows = 2 * tile_size;

constexpr int64_t multiplied_pairs(int64_t depth) { return padded_pairs(depth); }

/// How the eight tiles are used: 0 to 3 are sums, 4 is of the left matrix, 5 as well or of the right one, 6 and 7 are
/// of the right one.
struct TileConfiguration {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// This thread's tiles, which other libraries configure their own way, until the end of the object's life.
class MatrixUnit {
 public:
  [[gnu::always_inline]] MatrixUnit() = default;
  [[gnu::always_inline]] ~MatrixUnit() { _tile_release(); }
  MatrixUnit(const MatrixUnit&) = delete;
  MatrixUnit& operator=(const MatrixUnit&) = delete;

  /// Sums, and tile 4, get so many rows.
  [[gnu::always_inline]] void set_rows(int64_t rows) {
    if (rows == rows_) return;
    rows_ = rows;
    for (int tile = 0; tile < 5; ++tile) configuration_.rows[tile] = static_cast<uint8_t>(rows);
    finish_packing();
    _tile_loadconfig(&configuration_);
  }

  /// Loads of tiles see what was stored before: GCC 12 does not know that they read memory.
  [[gnu::always_inline]] static void finish_packing() { asm volatile("" ::: "memory"); }

 private:
  int64_t rows_ = 0;
  alignas(64) TileConfiguration configuration_;
};

/// Where the sums of tiles start from, and go to.
class TilePlaces {
 public:
  [[gnu::always_inline]] explicit TilePlaces(const Result& result) : result_(result) {}

  /// Rows of a start are so many bytes apart: none where all are equal.
  [[gnu::always_inline]] int64_t start_row() const { return result_.start == Start::sum ? row() : 0; }
  [[gnu::always_inline]] const float* start(int64_t row, int64_t column) const {
    alignas(64) static constexpr float zeros[tile_size] = {};
    switch (result_.start) {
      case Start::bias:
        return result_.bias + column;
      case Start::sum:
        return at(row, column);
      default:
        return zeros;
    }
  }

  [[gnu::always_inline]] int64_t row() const { return 4 * result_.row; }
  [[gnu::always_inline]] float* at(int64_t row, int64_t column) const {
    return result_.values + row * result_.row + column;
  }

 private:
  const Result& result_;
};

/// Two tiles of rows and two of columns.
CAUSALFM_INLINE void multiply_square(const PackedBlock& block, const Result& result) {
  const TilePlaces places(result);
  const uint32_t *left = block.left, *lower = left + tile_size * block.left_row;
  const uint32_t *right = block.right, *next = right + block.right_tile;
  _tile_loadd(0, places.start(0, 0), places.start_row());
  _tile_loadd(1, places.start(0, tile_size), places.start_row());
  _tile_loadd(2, places.start(tile_size, 0), places.start_row());
  _tile_loadd(3, places.start(tile_size, tile_size), places.start_row());
  for (int64_t p = 0; p < block.pairs; p += tile_size) {
    _tile_loadd(4, left + p, 4 * block.left_row);
    _tile_loadd(6, right + p * tile_size, tile_row_bytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, next + p * tile_size, tile_row_bytes);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, lower + p, 4 * block.left_row);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, places.at(0, 0), places.row());
  _tile_stored(1, places.at(0, tile_size), places.row());
  _tile_stored(2, places.at(tile_size, 0), places.row());
  _tile_stored(3, places.at(tile_size, tile_size), places.row());
}

/// One tile of rows and four of columns.
CAUSALFM_INLINE void multiply_stripe(const PackedBlock& block, const Result& result) {
  const TilePlaces places(result);
  _tile_loadd(0, places.start(0, 0), places.start_row());
  _tile_loadd(1, places.start(0, tile_size), places.start_row());
  _tile_loadd(2, places.start(0, 2 * tile_size), places.start_row());
  _tile_loadd(3, places.start(0, 3 * tile_size), places.start_row());
  for (int64_t p = 0; p < block.pairs; p += tile_size) {
    const uint32_t* const right = block.right + p * tile_size;
    _tile_loadd(4, block.left + p, 4 * block.left_row);
    _tile_loadd(5, right, tile_row_bytes);
    _tile_dpbf16ps(0, 4, 5);
    _tile_loadd(6, right + block.right_tile, tile_row_bytes);
    _tile_dpbf16ps(1, 4, 6);
    _tile_loadd(7, right + 2 * block.right_tile, tile_row_bytes);
    _tile_dpbf16ps(2, 4, 7);
    _tile_loadd(5, right + 3 * block.right_tile, tile_row_bytes);
    _tile_dpbf16ps(3, 4, 5);
  }
  _tile_stored(0, places.at(0, 0), places.row());
  _tile_stored(1, places.at(0, tile_size), places.row());
  _tile_stored(2, places.at(0, 2 * tile_size), places.row());
  _tile_stored(3, places.at(0, 3 * tile_size), places.row());
}

/// One tile of rows and one of columns.
CAUSALFM_INLINE void multiply_one(const PackedBlock& block, const Result& result) {
  const TilePlaces places(result);
  _tile_loadd(0, places.start(0, 0), places.start_row());
  for (int64_t p = 0; p < block.pairs; p += tile_size) {
    _tile_loadd(4, block.left + p, 4 * block.left_row);
    _tile_loadd(5, block.right + p * tile_size, tile_row_bytes);
    _tile_dpbf16ps(0, 4, 5);
  }
  _tile_stored(0, places.at(0, 0), places.row());
}

/// Calls multiply(block, result) for every so many tiles of columns; returns how many columns are done.
template <int64_t tiles, class Multiply>
CAUSALFM_INLINE int64_t for_each_tiles(int64_t first, int64_t columns, PackedBlock block, Result result,
                                       const Multiply& multiply) {
  int64_t column = first;
  for (; column + tiles * tile_size <= columns; column += tiles * tile_size) {
    PackedBlock part = block;
    part.right += column / tile_size * block.right_tile;
    Result of_part = result;
    of_part.values += column;
    of_part.bias += column;
    multiply(part, of_part);
  }
  return column;
}

/// `rows`, one tile of them at most, of a packed left matrix by the columns from `first`.
inline void multiply_tile_row(int64_t first, int64_t columns, const PackedBlock& block, const Result& result) {
  const int64_t done = for_each_tiles<4>(first, columns, block, result, multiply_stripe);
  for_each_tiles<1>(done, columns, block, result, multiply_one);
}

/// `rows` of a packed left matrix, packed_rows at most, by `columns`.
inline void multiply_packed(int64_t rows, int64_t columns, PackedBlock block, Result result, MatrixUnit& unit) {
  MatrixUnit::finish_packing();
  int64_t first = 0;
  if (rows == packed_rows) {
    unit.set_rows(tile_size);
    first = for_each_tiles<2>(0, columns, block, result, multiply_square);
  }
  while (rows > 0) {
    const int64_t count = smaller(tile_size, rows);
    unit.set_rows(count);
    multiply_tile_row(first, columns, block, result);
    block.left += tile_size * block.left_row;
    result.values += tile_size * result.row;
    rows -= count;
  }
}

}  // namespace
}  // namespace causalfm::model
