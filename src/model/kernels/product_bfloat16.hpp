#pragma once

#if defined(__AMX_BF16__)
#include "model/kernels/tiles.hpp"
#else
#include "model/kernels/pair_lanes.hpp"
#endif

// Products of small matrices that are rounded to bfloat16, summed in float32. Internal linkage; see causalfm/lanes.hpp.
namespace causalfm::model {
namespace {

/// Depth that is packed and summed at once.
constexpr int64_t depth_block = 512;

/// What a product packs, in the first cache or the second.
struct PackingRoom {
  alignas(64) uint32_t left[packed_rows * depth_block / 2];
  alignas(64) uint32_t right[panel_columns * depth_block / 2];
};

/// Columns whose right matrix fits the room.
CAUSALFM_INLINE int64_t columns_at_once(int64_t pairs) {
  return panel_columns * depth_block / 2 / pairs / panel_columns * panel_columns;
}

/// One block of depth and columns, `packed` [columns / lanes, right_tile].
inline void multiply_block(int64_t rows, int64_t columns, int64_t depth, Left left, const uint32_t* packed,
                           int64_t right_tile, Result result, PackingRoom& room, MatrixUnit& unit) {
  const int64_t pairs = padded_pairs(depth);
  for (int64_t row = 0; row < rows; row += packed_rows) {
    const int64_t count = smaller(packed_rows, rows - row);
    pack_left(count, depth, left, room.left);
    multiply_packed(count, columns, {room.left, pairs, packed, right_tile, multiplied_pairs(depth)}, result, unit);
    left.values += packed_rows * left.row;
    result.values += packed_rows * result.row;
  }
}

/// `result` = start + left x right. @param columns a multiple of `lanes`
/// Every element is the same sum in the same order, whatever the number of rows or columns.
inline void multiply(int64_t rows, int64_t columns, int64_t depth, Left left, Right right, Result result) {
  PackingRoom room;
  MatrixUnit unit;
  for (int64_t k = 0; k < depth; k += depth_block) {
    const int64_t part = smaller(depth_block, depth - k);
    if (right.packed != nullptr) {
      multiply_block(rows, columns, part, left, right.packed + k / 2 * lanes, padded_pairs(depth) * lanes, result, room,
                     unit);
    } else {
      const int64_t pairs = padded_pairs(part), most = columns_at_once(pairs);
      for (int64_t c = 0; c < columns; c += most) {
        const int64_t count = smaller(most, columns - c);
        Result of_columns = result;
        of_columns.values += c;
        of_columns.bias += c;
        pack_right(part, c, count, right, room.right);
        multiply_block(rows, count, part, left, room.right, pairs * lanes, of_columns, room, unit);
      }
    }
    left.values += depth_block * left.step;
    right.values += depth_block * right.row;
    result.start = Start::sum;
  }
}

}  // namespace
}  // namespace causalfm::model
