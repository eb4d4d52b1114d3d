#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::benchmark {

/// How the matrix of similarities is cut, and whether threads share the product of one tile or take a tile each.
struct ProductTiles {
  int64_t anchors;
  int64_t keys;
  bool thread_takes_tile;
};

/// The four products that InfoNCE with both gradients consists of, by at::mm_out over the tiles of
/// rows [rows, width] against themselves: similarities in forward, again in backward, and the gradients of anchors and
/// of keys. Nothing is done with what they give.
void multiply(const at::Tensor& rows, const ProductTiles& tiles);

/// Those that are fastest on the first rows of `rows`, on this machine with its present number of threads.
ProductTiles fastest_tiles(const at::Tensor& rows);

}  // namespace causalfm::benchmark
