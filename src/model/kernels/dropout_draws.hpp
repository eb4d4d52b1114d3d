#pragma once

#include "model/dropout_mask.hpp"
#include "model/kernels/vectors.hpp"

// dropout_block() of dropout_mask.hpp in lanes. Internal linkage; see causalfm/lanes.hpp.
namespace causalfm::model {
namespace {

using Words = uint32_t __attribute__((vector_size(vector_bytes)));
using WidePairs = uint64_t __attribute__((vector_size(vector_bytes)));

/// Vectors of the 16 lanes of a tile.
constexpr int64_t tile_vectors = dropout_lanes / lanes;

/// The products of the even elements with those of `right`, in full.
CAUSALFM_INLINE WidePairs even_products(Words left, Words right) {
#if defined(__AVX512F__)
  return reinterpret_cast<WidePairs>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(left), reinterpret_cast<__m512i>(right)));
#else
  return reinterpret_cast<WidePairs>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(left), reinterpret_cast<__m256i>(right)));
#endif
}

struct Product {
  Words high;
  Words low;
};

CAUSALFM_INLINE Product product(Words left, uint32_t right) {
  constexpr uint64_t low_half = 0xffffffffU;
  const Words factor = Words{} + right;
  const WidePairs even = even_products(left, factor);
  const WidePairs odd = even_products(reinterpret_cast<Words>(reinterpret_cast<WidePairs>(left) >> 32), factor);
  return {reinterpret_cast<Words>((even >> 32) | (odd & ~low_half)),
          reinterpret_cast<Words>((even & low_half) | (odd << 32))};
}

/// Which elements of a tile are kept, all draws at once.
struct DropoutTile {
  Words words[4][tile_vectors];

  CAUSALFM_INLINE DropoutTile draw(const DropoutMask& mask, uint32_t row, uint32_t tile) {
    DropoutTile drawn;
    for (int64_t v = 0; v < tile_vectors; ++v) {
      Words first;
      for (int lane = 0; lane < lanes; ++lane) first[lane] = static_cast<uint32_t>(v * lanes + lane);
      drawn.words[0][v] = first + tile * static_cast<uint32_t>(dropout_lanes);
      drawn.words[1][v] = Words{} + mask.layer;
      drawn.words[2][v] = Words{} + (mask.first_row + row);
      drawn.words[3][v] = Words{} + mask.step;
      PhiloxKey key = mask.key;
      for (int round = 0; round < 10; ++round) {
        const Product of_first = product(drawn.words[0][v], 0xD2511F53U);
        const Product of_third = product(drawn.words[2][v], 0xCD9E8D57U);
        drawn.words[0][v] = of_third.high ^ drawn.words[1][v] ^ key.low;
        drawn.words[1][v] = of_third.low;
        drawn.words[2][v] = of_first.high ^ drawn.words[3][v] ^ key.high;
        drawn.words[3][v] = of_first.low;
        key.low += 0x9E3779B9U;
        key.high += 0xBB67AE85U;
      }
    }
    return drawn;
  }

  /// The lanes of `value` that draw number `draw` keeps, 0 in the others. @param v which vector of the tile's lanes
  [[gnu::always_inline]] Vector keep(int64_t draw, int64_t v, uint32_t threshold, Vector value) const {
    const Words word = draw % 2 == 0 ? words[draw / 2][v] & 0xffffU : words[draw / 2][v] >> 16;
    return where<float>(reinterpret_cast<Mask>(word < threshold), value);
  }
};

}  // namespace
}  // namespace causalfm::model
