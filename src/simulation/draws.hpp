#pragma once

#include "simulation/kernels.hpp"
#include "simulation/lanes.hpp"

namespace causalfm::simulation {
namespace {

constexpr int64_t blocks_in_group = 8;  ///< of Philox; a multiple of every lane_count

struct UniformPair {
  Real first;
  Real second;
};

/// uniform_double() of words in the low halves of the lanes.
CAUSALFM_LANES_INLINE Real uniform_from_words(Bits high, Bits low) {
  return real_from_integer(high & 0xffffffffU) * 0x1.0p-32 + real_from_integer((low & 0xffffffffU) >> 11) * 0x1.0p-53;
}

/// Two uniforms from each of the blocks philox4x32(id, first_block + lane, key).
CAUSALFM_LANES_INLINE UniformPair draw_uniforms(PhiloxKey key, uint64_t id, int64_t first_block) {
  const Bits multiplier0 = Bits{} + 0xD2511F53U;
  const Bits multiplier1 = Bits{} + 0xCD9E8D57U;
  const Bits block = lane_numbers() + static_cast<uint64_t>(first_block);
  Bits word0 = block;
  Bits word1 = block >> 32;
  Bits word2 = Bits{} + (id & 0xffffffffU);
  Bits word3 = Bits{} + (id >> 32);
  for (int round = 0; round < 10; ++round) {
    const Bits product0 = multiply_words(word0, multiplier0);
    const Bits product1 = multiply_words(word2, multiplier1);
    word0 = (product1 >> 32) ^ word1 ^ static_cast<uint64_t>(key.low);
    word1 = product1;
    word2 = (product0 >> 32) ^ word3 ^ static_cast<uint64_t>(key.high);
    word3 = product0;
    key.low += 0x9E3779B9U;
    key.high += 0xBB67AE85U;
  }
  return {uniform_from_words(word0, word1), uniform_from_words(word2, word3)};
}

void uniforms(PhiloxKey key, uint64_t id, int64_t count, double* values) {
  for (int64_t first = 0; first < count; first += 2 * blocks_in_group) {
    for (int64_t lane = 0; lane < blocks_in_group; lane += lane_count) {
      const UniformPair pair = draw_uniforms(key, id, first / 2 + lane);
      store(pair.first, values + first + lane);
      store(pair.second, values + first + blocks_in_group + lane);
    }
  }
}

void normals(PhiloxKey key, uint64_t id, int64_t count, double* values) {
  for (int64_t first = 0; first < count; first += 2 * blocks_in_group) {
    for (int64_t lane = 0; lane < blocks_in_group; lane += lane_count) {
      const UniformPair pair = draw_uniforms(key, id, first / 2 + lane);
      const Real radius = square_root(-2.0 * logarithm(1.0 - pair.first));
      const SineCosine direction = sine_cosine(pair.second);
      store(radius * direction.cosine, values + first + lane);
      store(radius * direction.sine, values + first + blocks_in_group + lane);
    }
  }
}

}  // namespace
}  // namespace causalfm::simulation
