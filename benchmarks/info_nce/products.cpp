#include "products.hpp"

#include "stopwatch.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

namespace causalfm::benchmark {
namespace {

constexpr ProductTiles candidates[] = {{128, 512, true},   {256, 512, true},    {256, 1024, true},
                                       {512, 512, true},   {512, 1024, true},   {1024, 256, true},
                                       {1024, 1024, true}, {1024, 1024, false}, {4096, 2048, false}};

/// The four products of the tiles of some anchors with all keys, in a thread's own memory.
void multiply(const at::Tensor& rows, const ProductTiles& tiles, int64_t first_anchor) {
  const int64_t anchor_count = std::min(tiles.anchors, rows.size(0) - first_anchor);
  const at::Tensor anchors = rows.narrow(0, first_anchor, anchor_count);
  at::Tensor at_anchors = at::empty_like(anchors);
  at::Tensor similarities = at::empty({anchor_count, tiles.keys}, rows.options());
  at::Tensor at_keys = at::empty({tiles.keys, rows.size(1)}, rows.options());
  for (int64_t first = 0; first < rows.size(0); first += tiles.keys) {
    const int64_t key_count = std::min(tiles.keys, rows.size(0) - first);
    const at::Tensor keys = rows.narrow(0, first, key_count);
    at::Tensor tile = similarities.narrow(1, 0, key_count);
    at::Tensor at_tile_keys = at_keys.narrow(0, 0, key_count);
    at::mm_out(tile, anchors, keys.t());
    at::mm_out(tile, anchors, keys.t());
    at::mm_out(at_anchors, tile, keys);
    at::mm_out(at_tile_keys, tile.t(), anchors);
  }
}

}  // namespace

void multiply(const at::Tensor& rows, const ProductTiles& tiles) {
  const int64_t anchor_tiles = (rows.size(0) + tiles.anchors - 1) / tiles.anchors;
  const auto multiply_range = [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) multiply(rows, tiles, tile * tiles.anchors);
  };
  if (tiles.thread_takes_tile) {
    at::parallel_for(0, anchor_tiles, 1, multiply_range);
  } else {
    multiply_range(0, anchor_tiles);
  }
}

ProductTiles fastest_tiles(const at::Tensor& rows) {
  const at::Tensor sample = rows.narrow(0, 0, std::min<int64_t>(rows.size(0), 4096));
  ProductTiles fastest{};
  double least = std::numeric_limits<double>::infinity();
  for (int repetition = 0; repetition < 3; ++repetition) {
    for (const ProductTiles& tiles : candidates) {
      const Stopwatch stopwatch;
      multiply(sample, tiles);
      const double seconds = stopwatch.read().wall;
      if (seconds < least) fastest = tiles;
      least = std::min(least, seconds);
    }
  }
  return fastest;
}

}  // namespace causalfm::benchmark
