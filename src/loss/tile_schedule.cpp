#include "loss/tile_schedule.hpp"

#include <algorithm>
#include <thread>

namespace causalfm::loss {

TileSchedule::TileSchedule(int64_t anchor_tiles, int64_t key_tiles)
    : fewer_anchors_(anchor_tiles <= key_tiles),
      breadth_(std::min(anchor_tiles, key_tiles)),
      rounds_(std::max(anchor_tiles, key_tiles)),
      anchor_turns_(anchor_tiles),
      key_turns_(key_tiles),
      anchors_done_(anchor_tiles),
      keys_done_(key_tiles) {}

// In each round every tile of the shorter side meets another tile of the longer. Pairs are taken in one order, so the
// first that is not done waits for none, and all others for pairs before them: there is no deadlock.
std::optional<TilePair> TileSchedule::take() {
  const std::lock_guard lock(mutex_);
  if (taken_ == rounds_ * breadth_) return std::nullopt;
  const int64_t shorter = taken_ % breadth_;
  const int64_t longer = (shorter + taken_ / breadth_) % rounds_;
  ++taken_;
  const int64_t anchor_tile = fewer_anchors_ ? shorter : longer;
  const int64_t key_tile = fewer_anchors_ ? longer : shorter;
  return TilePair{anchor_tile, key_tile, anchor_turns_[anchor_tile]++, key_turns_[key_tile]++};
}

void TileSchedule::await(const TilePair& pair) const {
  const auto& anchors_done = anchors_done_[pair.anchor_tile];
  const auto& keys_done = keys_done_[pair.key_tile];
  while (anchors_done.load(std::memory_order_acquire) != pair.anchor_turn ||
         keys_done.load(std::memory_order_acquire) != pair.key_turn) {
    std::this_thread::yield();
  }
}

void TileSchedule::release(const TilePair& pair) {
  anchors_done_[pair.anchor_tile].store(pair.anchor_turn + 1, std::memory_order_release);
  keys_done_[pair.key_tile].store(pair.key_turn + 1, std::memory_order_release);
}

}  // namespace causalfm::loss
