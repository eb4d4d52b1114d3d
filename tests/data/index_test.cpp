#include "causalfm/data/index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "causalfm/data/error.hpp"
#include "data/table_source.hpp"

namespace causalfm::data {
namespace {

/// The rows that agree with `row` in one id and differ in the other, by looking at all of them.
std::set<int64_t> partners(const ObservationTable& table, const std::vector<int64_t>& rows, int64_t row,
                           bool of_same_star) {
  std::set<int64_t> found;
  for (const int64_t other : rows) {
    const bool same_star = table.star_id[other] == table.star_id[row];
    const bool same_instrument = table.instrument_id[other] == table.instrument_id[row];
    if (same_star == of_same_star && same_instrument != of_same_star) found.insert(other);
  }
  return found;
}

template <typename Count, typename Choose>
std::set<int64_t> choices(const Count& count, const Choose& choose) {
  std::set<int64_t> chosen;
  for (int64_t choice = 0; choice < count(); ++choice) EXPECT_TRUE(chosen.insert(choose(choice)).second);
  return chosen;
}

std::vector<int64_t> random_subset(int64_t rows, std::mt19937_64& random) {
  std::vector<int64_t> subset;
  for (int64_t row = 0; row < rows; ++row) {
    if (random() % 4 != 0) subset.push_back(row);
  }
  std::shuffle(subset.begin(), subset.end(), random);
  return subset;
}

TEST(TripletIndex, FindsExactlyThePartnersThatThereAre) {
  std::mt19937_64 random(5);
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const TableShape shape{.stars = 1 + static_cast<int64_t>(seed % 13),
                           .instruments = 1 + static_cast<int64_t>(seed % 5),
                           .most_curves_per_star = 1 + static_cast<int64_t>(seed % 7),
                           .groups = static_cast<int64_t>(seed % 3)};
    const ObservationTable table = random_table(shape, seed);
    const std::vector<int64_t> rows = random_subset(table.rows(), random);
    const TripletIndex index(table, rows);
    std::vector<int64_t> triplet_anchors;
    std::vector<int64_t> pair_anchors;
    std::set<int64_t> lonely_stars;
    std::set<int64_t> lonely_instruments;
    for (const int64_t row : rows) {
      const std::set<int64_t> stars = partners(table, rows, row, true);
      const std::set<int64_t> instruments = partners(table, rows, row, false);
      ASSERT_EQ(choices([&] { return index.same_star_count(row); }, [&](auto c) { return index.same_star(row, c); }),
                stars);
      ASSERT_EQ(choices([&] { return index.same_instrument_count(row); },
                        [&](auto c) { return index.same_instrument(row, c); }),
                instruments);
      if (stars.empty()) lonely_stars.insert(table.star_id[row]);
      if (instruments.empty()) lonely_instruments.insert(table.instrument_id[row]);
      if (!stars.empty()) pair_anchors.push_back(row);
      if (!stars.empty() && !instruments.empty()) triplet_anchors.push_back(row);
    }
    std::sort(triplet_anchors.begin(), triplet_anchors.end());
    std::sort(pair_anchors.begin(), pair_anchors.end());
    EXPECT_EQ(index.triplet_anchors(), triplet_anchors);
    EXPECT_EQ(index.pair_anchors(), pair_anchors);
    EXPECT_EQ(index.skipped().rows, static_cast<int64_t>(rows.size() - triplet_anchors.size()));
    EXPECT_EQ(index.skipped().stars_with_one_instrument, static_cast<int64_t>(lonely_stars.size()));
    EXPECT_EQ(index.skipped().instruments_with_one_star, static_cast<int64_t>(lonely_instruments.size()));
  }
}

TEST(TripletIndex, OfNoRowsHasNoAnchors) {
  const TripletIndex index(random_table({}, 1), std::vector<int64_t>{});
  EXPECT_TRUE(index.pair_anchors().empty());
  EXPECT_EQ(index.skipped().rows, 0);
}

TEST(TripletIndex, ARowOfAnotherSplitIsRefused) {
  const TripletIndex index(random_table({}, 1), std::vector<int64_t>{0, 1, 2});
  for (const int64_t row : {-1, 3, 1000000}) EXPECT_THROW(index.same_star_count(row), DataError);
}

}  // namespace
}  // namespace causalfm::data
