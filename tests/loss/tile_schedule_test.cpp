#include "loss/tile_schedule.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace causalfm::loss {
namespace {

/// Partners of each tile in the order in which they came, by so many threads.
struct Meetings {
  Meetings(int64_t anchor_tiles, int64_t key_tiles, int threads) : of_anchors(anchor_tiles), of_keys(key_tiles) {
    TileSchedule schedule(anchor_tiles, key_tiles);
    std::vector<std::atomic<int>> users(anchor_tiles + key_tiles);
    std::vector<std::thread> workers;
    for (int thread = 0; thread < threads; ++thread) {
      workers.emplace_back([&] {
        schedule.work([&](int64_t anchor_tile, int64_t key_tile) {
          if (users[anchor_tile]++ != 0 || users[anchor_tiles + key_tile]++ != 0) shared = true;
          std::this_thread::yield();
          of_anchors[anchor_tile].push_back(key_tile);
          of_keys[key_tile].push_back(anchor_tile);
          --users[anchor_tile];
          --users[anchor_tiles + key_tile];
        });
      });
    }
    for (std::thread& worker : workers) worker.join();
  }

  std::vector<std::vector<int64_t>> of_anchors;
  std::vector<std::vector<int64_t>> of_keys;
  std::atomic<bool> shared = false;
};

TEST(TileSchedule, EveryPairMeetsOnceInAnOrderThatThreadsDoNotChange) {
  for (const auto& [anchor_tiles, key_tiles] : std::multimap<int64_t, int64_t>{
           {0, 3}, {3, 0}, {1, 1}, {1, 7}, {7, 1}, {5, 5}, {3, 8}, {8, 3}, {20, 21}, {30, 13}}) {
    const Meetings one(anchor_tiles, key_tiles, 1);
    for (const auto& partners : one.of_anchors) {
      EXPECT_EQ(std::set<int64_t>(partners.begin(), partners.end()).size(), static_cast<size_t>(key_tiles));
      EXPECT_EQ(partners.size(), static_cast<size_t>(key_tiles));
    }
    for (const int threads : {2, 3, 9}) {
      const Meetings many(anchor_tiles, key_tiles, threads);
      EXPECT_FALSE(many.shared);
      EXPECT_EQ(many.of_anchors, one.of_anchors);
      EXPECT_EQ(many.of_keys, one.of_keys);
    }
  }
}

TEST(TileSchedule, AnExceptionLeavesNobodyWaiting) {
  TileSchedule schedule(4, 4);
  std::atomic<int> done = 0;
  std::thread other([&] { schedule.work([&](int64_t, int64_t) { ++done; }); });
  try {
    schedule.work([&](int64_t, int64_t) {
      ++done;
      throw std::runtime_error("no memory");
    });
  } catch (const std::runtime_error&) {  // unless the other thread was done before
  }
  other.join();
  EXPECT_EQ(done, 16);
}

}  // namespace
}  // namespace causalfm::loss
