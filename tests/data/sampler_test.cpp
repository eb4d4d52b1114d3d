#include "causalfm/data/sampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "causalfm/data/error.hpp"
#include "data/chi_square.hpp"
#include "data/table_source.hpp"

namespace causalfm::data {
namespace {

using testing::HasSubstr;

std::vector<int64_t> all_rows(const ObservationTable& table) {
  std::vector<int64_t> rows(static_cast<size_t>(table.rows()));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  return rows;
}

/// Every star through every instrument, so that rows() of them are anchors.
ObservationTable full_table(int64_t stars, int64_t instruments) {
  ObservationTable table;
  for (int64_t row = 0; row < stars * instruments; ++row) {
    table.star_id.push_back(row / instruments);
    table.instrument_id.push_back(static_cast<int32_t>(row % instruments));
    table.observation_id.push_back(row);
  }
  return table;
}

template <typename Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const DataError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(TripletSampler, EveryTripletIsValid) {
  int64_t checked = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const ObservationTable table = random_table({.stars = 30, .groups = static_cast<int64_t>(seed % 3) * 4}, seed);
    const TripletSampler sampler(table, all_rows(table), seed, 16);
    for (int64_t step = 0; step < 20; ++step) {
      const GlobalBatch batch = sampler.batch(step);
      ASSERT_EQ(batch.rows.size(), 48U);
      for (size_t anchor = 0; anchor < 48; anchor += 3) {
        const int64_t a = batch.rows[anchor];
        const int64_t s = batch.rows[anchor + 1];
        const int64_t i = batch.rows[anchor + 2];
        ASSERT_EQ(table.star_id[a], table.star_id[s]);
        ASSERT_NE(table.instrument_id[a], table.instrument_id[s]);
        ASSERT_NE(table.star_id[a], table.star_id[i]);
        ASSERT_EQ(table.instrument_id[a], table.instrument_id[i]);
        ASSERT_EQ(batch.roles[anchor], Role::anchor);
        ASSERT_EQ(batch.roles[anchor + 1], Role::same_star);
        ASSERT_EQ(batch.roles[anchor + 2], Role::same_instrument);
        ++checked;
      }
    }
  }
  EXPECT_EQ(checked, 40 * 20 * 16);
}

TEST(PairSampler, EveryPairIsValid) {
  const ObservationTable table = random_table({.stars = 30}, 4);
  const PairSampler sampler(table, all_rows(table), 7, 16);
  EXPECT_EQ(sampler.rows_per_anchor(), 2);
  const GlobalBatch batch = sampler.batch(3);
  ASSERT_EQ(batch.rows.size(), 32U);
  for (size_t anchor = 0; anchor < 32; anchor += 2) {
    EXPECT_EQ(table.star_id[batch.rows[anchor]], table.star_id[batch.rows[anchor + 1]]);
    EXPECT_NE(table.instrument_id[batch.rows[anchor]], table.instrument_id[batch.rows[anchor + 1]]);
    EXPECT_EQ(batch.roles[anchor], Role::anchor);
    EXPECT_EQ(batch.roles[anchor + 1], Role::same_star);
  }
}

TEST(Sampler, RowsStayWithinTheGivenOnes) {
  const ObservationTable table = random_table({.stars = 60}, 2);
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < table.rows(); row += 2) rows.push_back(row);
  const TripletSampler sampler(table, rows, 7, 50);
  for (const int64_t row : sampler.batch(0).rows) EXPECT_EQ(row % 2, 0);
}

TEST(Sampler, EveryEligibleAnchorOnceAnEpoch) {
  for (const auto& [stars, instruments] :
       std::vector<std::pair<int64_t, int64_t>>{{2, 2}, {2, 3}, {7, 2}, {4, 4}, {8, 8}, {11, 9}, {13, 17}, {64, 16}}) {
    const ObservationTable table = full_table(stars, instruments);
    const TripletSampler sampler(table, all_rows(table), 7, 3);
    ASSERT_EQ(sampler.anchors_per_epoch(), table.rows());
    std::vector<std::vector<int64_t>> epochs;
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      const GlobalBatch batch = sampler.triplets(epoch * table.rows(), table.rows());
      std::vector<int64_t> anchors;
      for (size_t row = 0; row < batch.rows.size(); row += 3) anchors.push_back(batch.rows[row]);
      epochs.push_back(anchors);
      std::sort(anchors.begin(), anchors.end());
      ASSERT_EQ(anchors, all_rows(table));
    }
    if (table.rows() > 10) {
      EXPECT_NE(epochs[0], epochs[1]);
    }
  }
}

TEST(Sampler, AFewAnchorsMakeEpochsToo) {
  ObservationTable table = full_table(2, 2);
  const std::vector<std::pair<std::vector<int64_t>, int64_t>> cases = {{{0, 1, 2}, 1}, {{0, 1, 2, 3}, 4}};
  for (const auto& [rows, anchors] : cases) {
    const TripletSampler sampler(table, rows, 7, 1);
    ASSERT_EQ(sampler.anchors_per_epoch(), anchors);
    EXPECT_EQ(sampler.skipped().rows, static_cast<int64_t>(rows.size()) - anchors);
    std::map<int64_t, int64_t> seen;
    for (int64_t step = 0; step < 5 * anchors; ++step) ++seen[sampler.batch(step).rows[0]];
    EXPECT_EQ(static_cast<int64_t>(seen.size()), anchors);
    for (const auto& [row, count] : seen) EXPECT_EQ(count, 5);
  }
  const PairSampler two(table, {0, 1}, 7, 1);
  EXPECT_EQ(two.anchors_per_epoch(), 2);
  EXPECT_EQ(two.skipped().rows, 0);
}

TEST(Sampler, ABatchIsARunOfOneSequenceWhateverItsSize) {
  const ObservationTable table = random_table({.stars = 30}, 9);
  const TripletSampler whole(table, all_rows(table), 7, 1);
  const std::vector<int64_t> sequence = whole.triplets(0, 240).rows;
  for (const int64_t batch_size : {1, 2, 3, 16, 60, 240}) {
    const TripletSampler sampler(table, all_rows(table), 7, batch_size);
    std::vector<int64_t> rows(sequence.size());
    for (int64_t step = 240 / batch_size - 1; step >= 0; --step) {
      const std::vector<int64_t> batch = sampler.batch(step).rows;
      std::copy(batch.begin(), batch.end(), rows.begin() + step * batch_size * 3);
    }
    EXPECT_EQ(rows, sequence) << batch_size;
  }
}

TEST(Sampler, PartnersAreUniform) {
  const ObservationTable table = full_table(6, 5);
  const TripletSampler sampler(table, all_rows(table), 7, 1);
  const int64_t draws = 60000;
  const GlobalBatch batch = sampler.triplets(0, draws);
  std::map<int64_t, std::map<int64_t, int64_t>> same_star;
  std::map<int64_t, std::map<int64_t, int64_t>> same_instrument;
  std::map<std::pair<int64_t, int64_t>, int64_t> together;  // of one anchor: the two choices are independent
  for (size_t row = 0; row < batch.rows.size(); row += 3) {
    ++same_star[batch.rows[row]][batch.rows[row + 1]];
    ++same_instrument[batch.rows[row]][batch.rows[row + 2]];
    if (batch.rows[row] == 0) ++together[{batch.rows[row + 1], batch.rows[row + 2]}];
  }
  const auto counts_of = [](const auto& map) {
    std::vector<int64_t> counts;
    for (const auto& [key, count] : map) counts.push_back(count);
    return counts;
  };
  for (int64_t anchor = 0; anchor < table.rows(); ++anchor) {
    ASSERT_EQ(same_star[anchor].size(), 4U);
    ASSERT_EQ(same_instrument[anchor].size(), 5U);
    EXPECT_LT(chi_square_in_sigmas(counts_of(same_star[anchor])), 4.0);
    EXPECT_LT(chi_square_in_sigmas(counts_of(same_instrument[anchor])), 4.0);
  }
  ASSERT_EQ(together.size(), 20U);
  EXPECT_LT(chi_square_in_sigmas(counts_of(together)), 4.0);
}

TEST(Sampler, RowsOfOneBlockAreEquallyLikelyPartners) {
  // Star 0 once through instrument 0, three times through 1 and once through 2: each of the four is a quarter.
  ObservationTable table;
  table.star_id = {0, 0, 0, 0, 0, 1};
  table.instrument_id = {0, 1, 1, 1, 2, 0};
  table.observation_id = {0, 1, 2, 3, 4, 5};
  const TripletSampler sampler(table, all_rows(table), 7, 1);
  ASSERT_EQ(sampler.anchors_per_epoch(), 1);
  std::vector<int64_t> counts(4, 0);
  for (int64_t step = 0; step < 20000; ++step) ++counts.at(static_cast<size_t>(sampler.batch(step).rows[1] - 1));
  EXPECT_LT(chi_square_in_sigmas(counts), 4.0);
}

TEST(MakeSampler, TrainingFollowsTheSeedAndValidationDoesNot) {
  const TableSource source(full_table(300, 5));
  config::Config settings;
  settings.train.batch_triplets = 32;
  config::Config other = settings;
  other.seed = 8;
  other.train.batch_triplets = 48;
  const auto rows = [&](const config::Config& config, Split split) {
    return make_sampler(config, source, split)->triplets(0, 100).rows;
  };
  EXPECT_EQ(rows(settings, Split::train), rows(settings, Split::train));
  EXPECT_NE(rows(settings, Split::train), rows(other, Split::train));
  EXPECT_EQ(rows(settings, Split::validation), rows(other, Split::validation));
  EXPECT_EQ(rows(settings, Split::test), rows(other, Split::test));
  other.data.split_seed = 2;
  EXPECT_NE(rows(settings, Split::validation), rows(other, Split::validation));

  const std::vector<int64_t> of_validation = rows_of_split(source, settings.data, Split::validation);
  const std::set<int64_t> allowed(of_validation.begin(), of_validation.end());
  for (const int64_t row : rows(settings, Split::validation)) EXPECT_TRUE(allowed.contains(row));
}

TEST(MakeSampler, PairsAreMadeWhenAskedFor) {
  const TableSource source(full_table(300, 5));
  config::Config settings;
  settings.data.sampler = config::SamplerKind::pair;
  settings.train.batch_triplets = 8;
  EXPECT_EQ(make_sampler(settings, source, Split::train)->batch(0).rows.size(), 16U);
}

TEST(MakeSampler, ABatchLargerThanTheSplitIsRefused) {
  const TableSource source(full_table(10, 4));
  config::Config settings;
  settings.data.validation_stars = 0.0;
  settings.data.test_stars = 0.0;
  settings.train.batch_triplets = 40;
  EXPECT_NO_THROW(make_sampler(settings, source, Split::train));
  settings.train.batch_triplets = 41;
  EXPECT_EQ(message_of([&] { make_sampler(settings, source, Split::train); }),
            "train.batch_triplets is 41, but the train split of a table has 40 rows that can be anchors: choose a "
            "batch of at most as many");
}

TEST(MakeSampler, ASplitWithoutAnchorsIsRefused) {
  config::Config settings;
  settings.data.validation_stars = 0.0;
  const TableSource stars_of_one_instrument(full_table(100, 1));
  EXPECT_THAT(message_of([&] { make_sampler(settings, stars_of_one_instrument, Split::train); }),
              HasSubstr("the train split of a table cannot be sampled: none of "));
  const TableSource source(full_table(300, 5));
  EXPECT_THAT(message_of([&] { make_sampler(settings, source, Split::validation); }),
              HasSubstr("the validation split of a table cannot be sampled: none of 0 rows can be an anchor"));
}

TEST(MakeSampler, SkipsAndCountsStarsOfOneInstrument) {
  ObservationTable table = full_table(40, 3);
  for (int64_t row = 0; row < 12; ++row) table.instrument_id[row] = 0;  // stars 0 to 3
  const TableSource source(table);
  config::Config settings;
  settings.data.validation_stars = 0.0;
  settings.data.test_stars = 0.0;
  settings.train.batch_triplets = 4;
  const auto sampler = make_sampler(settings, source, Split::train);
  EXPECT_EQ(sampler->skipped().stars_with_one_instrument, 4);
  EXPECT_EQ(sampler->skipped().rows, 12);
  EXPECT_EQ(sampler->anchors_per_epoch(), 108);
  bool seen_as_partner = false;
  const GlobalBatch epoch = sampler->triplets(0, 108);
  for (size_t row = 0; row < epoch.rows.size(); ++row) {
    const bool is_skipped = epoch.rows[row] < 12;
    EXPECT_FALSE(is_skipped && epoch.roles[row] != Role::same_instrument);
    seen_as_partner = seen_as_partner || is_skipped;
  }
  EXPECT_TRUE(seen_as_partner);
}

// From a program of its own in another language, written after the headers' definitions.
TEST(Sampler, OrderNeverChangesSilently) {
  const ObservationTable table = full_table(12, 5);
  const TripletSampler triplets(table, all_rows(table), 7, 4);
  EXPECT_EQ(triplets.batch(0).rows, (std::vector<int64_t>{53, 50, 58, 47, 45, 27, 6, 8, 26, 7, 5, 37}));
  EXPECT_EQ(triplets.batch(15).rows, (std::vector<int64_t>{35, 39, 10, 30, 32, 55, 48, 49, 23, 13, 10, 43}));
  EXPECT_EQ(triplets.batch(1000000).rows, (std::vector<int64_t>{46, 47, 41, 18, 17, 43, 48, 46, 3, 36, 35, 6}));
  const PairSampler pairs(table, all_rows(table), 7, 4);
  EXPECT_EQ(pairs.batch(2).rows, (std::vector<int64_t>{25, 28, 27, 26, 34, 33, 2, 3}));
}

}  // namespace
}  // namespace causalfm::data
