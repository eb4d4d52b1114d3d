#include "causalfm/data/time_scale.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "causalfm/data/error.hpp"
#include "data/table_source.hpp"

namespace causalfm::data {
namespace {

/// Every row has the given times and mask, shifted by nothing.
class GridSource : public TableSource {
 public:
  GridSource(std::vector<float> time, std::vector<uint8_t> mask, int64_t stars = 30)
      : TableSource(random_table({.stars = stars}, 1), static_cast<int64_t>(time.size())),
        time_(std::move(time)),
        mask_(std::move(mask)) {
    description_.has_mask = !mask_.empty();
    description_.shared_time.clear();
  }

  void read(std::span<const int64_t> rows, const CurveBuffers& buffers) const override {
    ++reads_;
    for (size_t i = 0; i < rows.size() * time_.size(); ++i) {
      buffers.time[i] = time_[i % time_.size()];
      if (!buffers.mask.empty()) buffers.mask[i] = mask_[i % time_.size()];
    }
  }

  int64_t reads() const { return reads_; }

 private:
  std::vector<float> time_;
  std::vector<uint8_t> mask_;
  mutable int64_t reads_ = 0;
};

std::vector<int64_t> rows_of(const Source& source) {
  std::vector<int64_t> rows(static_cast<size_t>(source.rows()));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  return rows;
}

TimeScale scale_of(const Source& source) { return time_scale(source, rows_of(source)); }

TEST(TimeScale, OfASharedGridNeedsNoCurve) {
  config::Simulation settings;
  const TimeScale scale = scale_of(*make_simulated_source(settings));
  EXPECT_EQ(scale.span, 99.0);
  EXPECT_EQ(scale.median_cadence, 1.0);
}

TEST(TimeScale, CountsStepsBetweenObservedSamplesOnly) {
  const TimeScale all = scale_of(GridSource({0, 1, 2, 10, 13}, {}));
  EXPECT_EQ(all.span, 13.0);
  EXPECT_EQ(all.median_cadence, 2.0);  // of 1, 1, 8, 3
  const TimeScale masked = scale_of(GridSource({0, 1, 2, 10, 13}, {1, 0, 1, 1, 0}));
  EXPECT_EQ(masked.span, 10.0);
  EXPECT_EQ(masked.median_cadence, 5.0);  // of 2, 8
}

TEST(TimeScale, TimeUnderTheMaskIsNotLookedAt) {
  EXPECT_EQ(scale_of(GridSource({0, 1, 0, 3}, {1, 1, 0, 1})).span, 3.0);
}

TEST(TimeScale, LooksAtSomeOfManyRows) {
  const GridSource many({0, 1, 2}, {}, 3000);
  ASSERT_GT(many.rows(), 4096);
  EXPECT_EQ(scale_of(many).span, 2.0);
  EXPECT_EQ(many.reads(), 4096);
}

TEST(TimeScale, WithoutTwoObservedSamplesThereIsNone) {
  EXPECT_THROW(scale_of(GridSource({0, 1, 2}, {0, 1, 0})), DataError);
  EXPECT_THROW(scale_of(GridSource({0}, {})), DataError);
}

TEST(TimeScale, TimeThatStandsStillIsRefused) {
  EXPECT_THROW(scale_of(GridSource({0, 1, 1}, {})), DataError);
  EXPECT_THROW(scale_of(GridSource({0, 2, 1}, {})), DataError);
}

}  // namespace
}  // namespace causalfm::data
