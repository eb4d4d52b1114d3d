#pragma once

#include "causalfm/philox.hpp"

#include <cstdint>

/// Which elements dropout keeps: the definition that the CPU's loop and the CUDA kernel share.
///
/// Element e of a row belongs to tile e / 128; inside it, the 16 Philox blocks 16 * tile + lane give 8 draws of 16 bits
/// each, and element 128 * tile + 16 * draw + lane takes draw `draw` of block `lane`: neighbours in memory are
/// neighbours in lanes. The counter of a block is (block, layer, row of the global batch, step), 32 bits each, in the
/// stream `dropout` of the seed; so a mask depends neither on ranks nor on threads nor on what else is in the batch.
namespace causalfm::model {

constexpr int64_t dropout_lanes = 16;
constexpr int64_t dropout_draws = 8;  ///< of 16 bits in a Philox block
constexpr int64_t dropout_tile = dropout_lanes * dropout_draws;

struct DropoutMask {
  PhiloxKey key;
  uint32_t layer;
  uint32_t step;
  uint32_t first_row;  ///< in the global batch
  uint32_t threshold;  ///< kept where a draw of 16 bits is below
  double scale;        ///< 65536 / threshold: exactly the inverse of the rate at which elements are kept
};

CAUSALFM_HOST_DEVICE constexpr PhiloxBlock dropout_block(const DropoutMask& mask, uint32_t row, uint32_t block) {
  return philox4x32(PhiloxBlock{block, mask.layer, mask.first_row + row, mask.step}, mask.key);
}

CAUSALFM_HOST_DEVICE constexpr bool dropout_keeps(const DropoutMask& mask, uint32_t word, int64_t draw) {
  return ((word >> (16 * (draw % 2))) & 0xffffU) < mask.threshold;
}

}  // namespace causalfm::model
