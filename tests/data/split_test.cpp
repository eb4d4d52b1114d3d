#include "causalfm/data/split.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "causalfm/data/error.hpp"
#include "data/table_source.hpp"

namespace causalfm::data {
namespace {

ObservationTable one_row_a_star(int64_t stars) {
  ObservationTable table;
  for (int64_t star = 0; star < stars; ++star) {
    table.star_id.push_back(star);
    table.instrument_id.push_back(0);
    table.observation_id.push_back(star);
  }
  return table;
}

std::array<int64_t, 3> sizes(const std::vector<Split>& splits) {
  std::array<int64_t, 3> counts = {0, 0, 0};
  for (const Split split : splits) ++counts[static_cast<size_t>(split)];
  return counts;
}

TEST(Split, FractionsHoldInExpectation) {
  const int64_t stars = 100000;
  config::Data settings;
  settings.validation_stars = 0.07;
  settings.test_stars = 0.23;
  const std::array<int64_t, 3> counts = sizes(assign_splits(one_row_a_star(stars), settings));
  const auto deviates = [&](int64_t count, double fraction) {
    const auto rows = static_cast<double>(stars);
    return std::abs(static_cast<double>(count) - rows * fraction) / std::sqrt(rows * fraction * (1.0 - fraction));
  };
  EXPECT_LT(deviates(counts[1], 0.07), 4.0);
  EXPECT_LT(deviates(counts[2], 0.23), 4.0);
}

TEST(Split, FractionsOfZeroAndOneAreExact) {
  config::Data settings;
  settings.validation_stars = 0.0;
  settings.test_stars = 0.0;
  EXPECT_EQ(sizes(assign_splits(one_row_a_star(1000), settings)), (std::array<int64_t, 3>{1000, 0, 0}));
  settings.test_stars = 1.0;
  EXPECT_EQ(sizes(assign_splits(one_row_a_star(1000), settings)), (std::array<int64_t, 3>{0, 0, 1000}));
}

TEST(Split, AStarKeepsItsSplitWhateverElseIsThere) {
  const config::Data settings;
  const std::vector<Split> few = assign_splits(one_row_a_star(100), settings);
  const std::vector<Split> many = assign_splits(one_row_a_star(1000), settings);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
}

TEST(Split, AnotherSeedGivesAnotherSplit) {
  config::Data settings;
  const std::vector<Split> first = assign_splits(one_row_a_star(1000), settings);
  settings.split_seed = 2;
  EXPECT_NE(first, assign_splits(one_row_a_star(1000), settings));
}

TEST(Split, NoStarAndNoGroupSpansTwo) {
  config::Data settings;
  settings.validation_stars = 0.3;
  settings.test_stars = 0.3;
  bool differs = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const ObservationTable table = random_table({.stars = 40, .groups = static_cast<int64_t>(seed % 4) * 15}, seed);
    const std::vector<Split> splits = assign_splits(table, settings);
    std::map<int64_t, Split> of_star;
    std::map<int64_t, Split> of_group;
    for (int64_t row = 0; row < table.rows(); ++row) {
      EXPECT_EQ(of_star.try_emplace(table.star_id[row], splits[row]).first->second, splits[row]);
      if (!table.group_id.empty() && table.group_id[row] >= 0) {
        EXPECT_EQ(of_group.try_emplace(table.group_id[row], splits[row]).first->second, splits[row]);
      }
      differs = differs || splits[row] != splits[0];
    }
  }
  EXPECT_TRUE(differs);
}

TEST(Split, StarsOutsideGroupsAreSplitAsIfThereWereNone) {
  ObservationTable table = one_row_a_star(200);
  const config::Data settings;
  const std::vector<Split> without = assign_splits(table, settings);
  table.group_id.assign(200, -1);
  EXPECT_EQ(assign_splits(table, settings), without);
  table.group_id[0] = table.group_id[1] = 5;
  const std::vector<Split> with = assign_splits(table, settings);
  EXPECT_EQ(with[0], with[1]);
  EXPECT_TRUE(std::equal(with.begin() + 2, with.end(), without.begin() + 2));
}

TEST(Split, HeldOutInstrumentsAreSeenInTestOnly) {
  const TableSource source(random_table({.stars = 200}, 3));
  config::Data settings;
  settings.validation_stars = 0.3;
  settings.test_stars = 0.3;
  std::vector<int64_t> all;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    const std::vector<int64_t> rows = rows_of_split(source, settings, split);
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
    all.insert(all.end(), rows.begin(), rows.end());
  }
  EXPECT_EQ(static_cast<int64_t>(all.size()), source.rows());

  const std::vector<int64_t> test_before = rows_of_split(source, settings, Split::test);
  settings.held_out_instruments = {1, 3};
  for (const Split split : {Split::train, Split::validation}) {
    for (const int64_t row : rows_of_split(source, settings, split)) {
      EXPECT_NE(source.observations().instrument_id[row], 1);
      EXPECT_NE(source.observations().instrument_id[row], 3);
    }
  }
  EXPECT_EQ(rows_of_split(source, settings, Split::test), test_before);
}

TEST(Split, AHeldOutInstrumentThatIsNotThereIsRefused) {
  const TableSource source(random_table({}, 3));
  config::Data settings;
  settings.held_out_instruments = {5};
  try {
    rows_of_split(source, settings, Split::train);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(),
                 "data.held_out_instruments names instrument 5, but a table has instruments 0 to 4: name one of them");
  }
}

// From a program of its own in another language, written after the headers' definitions.
TEST(Split, NeverChangesSilently) {
  config::Data settings;
  settings.validation_stars = 0.3;
  settings.test_stars = 0.3;
  std::string text;
  for (const Split split : assign_splits(one_row_a_star(32), settings))
    text += name_of(split)[1];  // tRain, vAlidation, tEst
  EXPECT_EQ(text, "eeaerreeeeaeaeeeaeaarrreaerreeee");
}

}  // namespace
}  // namespace causalfm::data
