#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace causalfm::loss {

/// A tile of anchors with a tile of keys.
struct TilePair {
  int64_t anchor_tile;
  int64_t key_tile;
  int64_t anchor_turn;  ///< how many pairs of this tile of anchors come before
  int64_t key_turn;     ///< likewise of keys
};

/// Shares all pairs of tiles among threads such that no two threads are at the same tile of anchors or of keys at once,
/// and each tile meets its partners in an order that depends neither on the threads nor on their number.
class TileSchedule {
 public:
  TileSchedule(int64_t anchor_tiles, int64_t key_tiles);

  /// How many threads find work at once.
  int64_t breadth() const { return breadth_; }

  /// Calls body(anchor_tile, key_tile) pair by pair until none is left. Called by one thread or by several at once,
  /// which wait for each other where a pair's tiles are still in use.
  template <class Body>
  void work(const Body& body) {
    while (const std::optional<TilePair> pair = take()) {
      await(*pair);
      const Release release{*this, *pair};
      body(pair->anchor_tile, pair->key_tile);
    }
  }

 private:
  /// Also when the body throws, as others wait for it.
  struct Release {
    ~Release() { schedule.release(pair); }
    TileSchedule& schedule;
    const TilePair& pair;
  };

  std::optional<TilePair> take();
  void await(const TilePair& pair) const;
  void release(const TilePair& pair);

  const bool fewer_anchors_;
  const int64_t breadth_;
  const int64_t rounds_;
  std::mutex mutex_;  ///< for the next three
  int64_t taken_ = 0;
  std::vector<int64_t> anchor_turns_;
  std::vector<int64_t> key_turns_;
  std::vector<std::atomic<int64_t>> anchors_done_;  ///< pairs of each tile of anchors
  std::vector<std::atomic<int64_t>> keys_done_;
};

}  // namespace causalfm::loss
