#include "causalfm/data/slices.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "causalfm/config/error.hpp"

namespace causalfm::data {
namespace {

TEST(Slices, AreWholeTripletsAsEvenAsPossible) {
  for (int64_t triplets = 0; triplets < 20; ++triplets) {
    for (int64_t ranks = 1; ranks < 9; ++ranks) {
      for (const int64_t rows_per_anchor : {1, 2, 3}) {
        const std::vector<int64_t> rows = rows_of_rank(triplets, rows_per_anchor, ranks);
        ASSERT_EQ(static_cast<int64_t>(rows.size()), ranks);
        EXPECT_EQ(std::accumulate(rows.begin(), rows.end(), int64_t{0}), triplets * rows_per_anchor);
        for (const int64_t count : rows) EXPECT_EQ(count % rows_per_anchor, 0);
        EXPECT_TRUE(std::is_sorted(rows.rbegin(), rows.rend()));
        EXPECT_LE(rows.front() - rows.back(), rows_per_anchor);
      }
    }
  }
}

TEST(Slices, OfSevenTripletsOnThreeRanks) { EXPECT_EQ(rows_of_rank(7, 3, 3), (std::vector<int64_t>{9, 6, 6})); }

TEST(Slices, MoreRanksThanTripletsIsAMistakeOfTheUser) {
  EXPECT_NO_THROW(check_world_size(4, 4));
  try {
    check_world_size(4, 5);
    FAIL();
  } catch (const config::ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "train.batch_triplets is 4 and there are 5 ranks, so that some would hold no row: raise it to at "
                 "least 5 or start fewer ranks");
  }
}

}  // namespace
}  // namespace causalfm::data
