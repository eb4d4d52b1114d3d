#include "causalfm/data/loader.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "causalfm/config/error.hpp"
#include "causalfm/data/error.hpp"
#include "data/table_source.hpp"

namespace causalfm::data {
namespace {

config::Config small_universe() {
  config::Config settings;
  settings.simulation.stars = 60;
  settings.simulation.instruments = 5;
  settings.simulation.curves_per_star = 6;
  settings.simulation.length = 16;
  settings.train.batch_triplets = 7;
  return settings;
}

struct Feed {
  std::shared_ptr<const Source> source;
  std::shared_ptr<const Sampler> sampler;
};

Feed feed_of(const config::Config& settings) {
  std::shared_ptr<const Source> source = make_source(settings);
  return {source, make_sampler(settings, *source, Split::train)};
}

void expect_equal(const at::Tensor& a, const at::Tensor& b) {
  ASSERT_EQ(a.defined(), b.defined());
  if (a.defined()) {
    ASSERT_EQ(a.scalar_type(), b.scalar_type());
    EXPECT_TRUE(at::equal(a, b));
  }
}

void expect_equal(const Batch& a, const Batch& b) {
  expect_equal(a.flux, b.flux);
  expect_equal(a.time, b.time);
  expect_equal(a.mask, b.mask);
  expect_equal(a.star_id, b.star_id);
  expect_equal(a.instrument_id, b.instrument_id);
  expect_equal(a.observation_id, b.observation_id);
  expect_equal(a.group_id, b.group_id);
  expect_equal(a.role, b.role);
  EXPECT_EQ(a.first_row, b.first_row);
  EXPECT_EQ(a.global_rows, b.global_rows);
}

TEST(Loader, GivesWhatTheSamplerChoseInItsOrder) {
  const Feed feed = feed_of(small_universe());
  Loader loader(feed.source, feed.sampler, {});
  const ObservationTable& table = feed.source->observations();
  for (int64_t step = 0; step < 5; ++step) {
    const LoadedStep loaded = loader.next();
    EXPECT_EQ(loaded.step, step);
    const GlobalBatch expected = feed.sampler->batch(step);
    EXPECT_EQ(loaded.rows_of_rank, std::vector<int64_t>{21});
    EXPECT_EQ(loaded.batch.first_row, 0);
    EXPECT_EQ(loaded.batch.global_rows, 21);
    EXPECT_EQ(loaded.batch.flux.sizes(), (std::vector<int64_t>{21, 16}));
    EXPECT_EQ(loaded.batch.time.sizes(), (std::vector<int64_t>{16}));
    EXPECT_FALSE(loaded.batch.mask.defined());
    EXPECT_FALSE(loaded.batch.group_id.defined());
    for (int64_t i = 0; i < 21; ++i) {
      const int64_t row = expected.rows[i];
      std::vector<float> flux(16);
      feed.source->read({&row, 1}, {.flux = flux, .time = {}, .mask = {}});
      EXPECT_TRUE(at::equal(loaded.batch.flux[i], at::tensor(flux)));
      EXPECT_EQ(loaded.batch.star_id[i].item<int64_t>(), table.star_id[row]);
      EXPECT_EQ(loaded.batch.instrument_id[i].item<int32_t>(), table.instrument_id[row]);
      EXPECT_EQ(loaded.batch.observation_id[i].item<int64_t>(), table.observation_id[row]);
      EXPECT_EQ(loaded.batch.role[i].item<int64_t>(), static_cast<int64_t>(expected.roles[i]));
    }
  }
}

TEST(Loader, SlicesOfAnyNumberOfRanksMakeTheBatchOfOne) {
  const Feed feed = feed_of(small_universe());
  Loader alone(feed.source, feed.sampler, {});
  std::vector<LoadedStep> expected;
  for (int64_t step = 0; step < 4; ++step) expected.push_back(alone.next());
  for (const int64_t world_size : {2, 3, 4, 7}) {
    std::vector<std::unique_ptr<Loader>> ranks;
    for (int64_t rank = 0; rank < world_size; ++rank) {
      ranks.push_back(
          std::make_unique<Loader>(feed.source, feed.sampler, LoaderOptions{.rank = rank, .world_size = world_size}));
    }
    for (const LoadedStep& whole : expected) {
      std::vector<at::Tensor> flux;
      std::vector<at::Tensor> ids;
      std::vector<at::Tensor> roles;
      int64_t rows = 0;
      for (const auto& rank : ranks) {
        const LoadedStep part = rank->next();
        EXPECT_EQ(part.batch.first_row, rows);
        EXPECT_EQ(part.batch.global_rows, 21);
        EXPECT_EQ(part.rows_of_rank[flux.size()], part.batch.flux.size(0));
        expect_equal(part.global.star_id, whole.global.star_id);
        expect_equal(part.global.instrument_id, whole.global.instrument_id);
        expect_equal(part.global.observation_id, whole.global.observation_id);
        expect_equal(part.global.role, whole.global.role);
        rows += part.batch.flux.size(0);
        flux.push_back(part.batch.flux);
        ids.push_back(part.batch.observation_id);
        roles.push_back(part.batch.role);
      }
      expect_equal(at::cat(flux), whole.batch.flux);
      expect_equal(at::cat(ids), whole.global.observation_id);
      expect_equal(at::cat(roles), whole.global.role);
    }
  }
}

TEST(Loader, StartsAtAnyStepAndPreparesAnyNumberAhead) {
  const Feed feed = feed_of(small_universe());
  Loader plain(feed.source, feed.sampler, {.rank = 1, .world_size = 2});
  std::vector<LoadedStep> expected;
  for (int64_t step = 0; step < 20; ++step) expected.push_back(plain.next());
  for (const int64_t first_step : {0, 1, 5, 13}) {
    for (const int64_t prefetch : {1, 2, 8}) {
      Loader loader(feed.source, feed.sampler,
                    {.rank = 1, .world_size = 2, .first_step = first_step, .end_step = 20, .prefetch = prefetch});
      for (int64_t step = first_step; step < 20; ++step) {
        const LoadedStep loaded = loader.next();
        ASSERT_EQ(loaded.step, step);
        expect_equal(loaded.batch, expected[step].batch);
      }
      EXPECT_THROW(loader.next(), std::out_of_range);
    }
  }
}

TEST(Loader, CarriesMasksTimesAndGroupsWhereThereAreAny) {
  class OwnGrids : public TableSource {
   public:
    OwnGrids() : TableSource(random_table({.stars = 40, .groups = 4}, 3), 6) {
      description_.has_mask = true;
      description_.shared_time.clear();
    }
    void read(std::span<const int64_t> rows, const CurveBuffers& buffers) const override {
      TableSource::read(rows, buffers);
      for (size_t i = 0; i < rows.size() * 6; ++i) {
        buffers.mask[i] = (static_cast<size_t>(rows[i / 6]) + i % 6) % 3 != 0 ? 1 : 0;
        buffers.time[i] = static_cast<float>(rows[i / 6]) + static_cast<float>(i % 6);
      }
    }
  };
  const auto source = std::make_shared<OwnGrids>();
  std::vector<int64_t> rows(static_cast<size_t>(source->rows()));
  for (size_t row = 0; row < rows.size(); ++row) rows[row] = static_cast<int64_t>(row);
  const auto sampler = std::make_shared<TripletSampler>(source->observations(), rows, 7, 4);
  Loader loader(source, sampler, {.rank = 1, .world_size = 2});
  const LoadedStep loaded = loader.next();
  const GlobalBatch expected = sampler->batch(0);
  ASSERT_EQ(loaded.batch.mask.scalar_type(), at::kBool);
  ASSERT_EQ(loaded.batch.time.sizes(), (std::vector<int64_t>{6, 6}));
  for (int64_t i = 0; i < 6; ++i) {
    const int64_t row = expected.rows[6 + i];
    EXPECT_EQ(loaded.batch.group_id[i].item<int64_t>(), source->observations().group_id[row]);
    EXPECT_EQ(loaded.global.group_id[6 + i].item<int64_t>(), source->observations().group_id[row]);
    for (int64_t t = 0; t < 6; ++t) {
      EXPECT_EQ(loaded.batch.mask[i][t].item<bool>(), (row + t) % 3 != 0);
      EXPECT_EQ(loaded.batch.time[i][t].item<float>(), static_cast<float>(row + t));
    }
  }
}

/// Counts its reads, waits in each, and fails from one on.
class SlowSource : public TableSource {
 public:
  SlowSource(std::chrono::milliseconds pause, int64_t failing_read)
      : TableSource(random_table({.stars = 40}, 3)), pause_(pause), failing_read_(failing_read) {}

  void read(std::span<const int64_t> rows, const CurveBuffers& buffers) const override {
    std::this_thread::sleep_for(pause_);
    if (reads_++ >= failing_read_) throw DataError("the disk went away");
    TableSource::read(rows, buffers);
  }

  int64_t reads() const { return reads_; }

 private:
  std::chrono::milliseconds pause_;
  int64_t failing_read_;
  mutable std::atomic<int64_t> reads_ = 0;
};

std::shared_ptr<const Sampler> sampler_of(const Source& source) {
  std::vector<int64_t> rows(static_cast<size_t>(source.rows()));
  for (size_t row = 0; row < rows.size(); ++row) rows[row] = static_cast<int64_t>(row);
  return std::make_shared<TripletSampler>(source.observations(), rows, 7, 4);
}

void wait_for_reads(const SlowSource& source, int64_t reads) {
  for (int i = 0; i < 10000 && source.reads() < reads; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(Loader, PreparesNoMoreThanAskedFor) {
  const auto source = std::make_shared<SlowSource>(std::chrono::milliseconds(0), 1000000);
  Loader loader(source, sampler_of(*source), {.prefetch = 3});
  for (const int64_t reads : {3, 4}) {
    wait_for_reads(*source, reads);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(source->reads(), reads);
    loader.next();
  }
}

TEST(Loader, GivesWhatWasPreparedBeforeAFailureAndThenTheFailureEachTime) {
  const auto source = std::make_shared<SlowSource>(std::chrono::milliseconds(1), 3);
  Loader loader(source, sampler_of(*source), {.prefetch = 2});
  for (int64_t step = 0; step < 3; ++step) EXPECT_EQ(loader.next().step, step);
  EXPECT_THROW(loader.next(), DataError);
  EXPECT_THROW(loader.next(), DataError);
}

TEST(Loader, EndsWhileItsThreadWorksWaitsOrHasFailed) {
  for (const int64_t failing_read : {0, 1000000}) {
    const auto source = std::make_shared<SlowSource>(std::chrono::milliseconds(2), failing_read);
    const auto sampler = sampler_of(*source);
    for (const int pause : {0, 1, 3, 10}) {
      const Loader loader(source, sampler, {.prefetch = 2});
      std::this_thread::sleep_for(std::chrono::milliseconds(pause));
    }
  }
}

TEST(Loader, MeasuresHowLongItIsWaitedFor) {
  const auto source = std::make_shared<SlowSource>(std::chrono::milliseconds(60), 1000000);
  Loader slow(source, sampler_of(*source), {.prefetch = 1});
  EXPECT_EQ(slow.waited_seconds(), 0.0);
  for (int step = 0; step < 4; ++step) slow.next();
  EXPECT_GT(slow.waited_seconds(), 0.03);
  wait_for_reads(*source, 5);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const double before = slow.waited_seconds();
  slow.next();
  EXPECT_LT(slow.waited_seconds() - before, 0.05);
}

TEST(Loader, MoreRanksThanTripletsIsRefused) {
  const Feed feed = feed_of(small_universe());
  EXPECT_THROW(Loader(feed.source, feed.sampler, {.rank = 0, .world_size = 8}), config::ConfigError);
}

TEST(Load, ARankMayBeLeftWithoutRows) {
  const Feed feed = feed_of(small_universe());
  const LoadedStep loaded = load(*feed.source, feed.sampler->triplets(0, 2), 3, 2, 3, 0);
  EXPECT_EQ(loaded.batch.flux.sizes(), (std::vector<int64_t>{0, 16}));
  EXPECT_EQ(loaded.batch.first_row, 6);
  EXPECT_EQ(loaded.global.star_id.size(0), 6);
}

TEST(Loader, ManyAtOnceShareOneSource) {
  const Feed feed = feed_of(small_universe());
  std::vector<std::thread> threads;
  std::vector<at::Tensor> first(4);
  for (size_t rank = 0; rank < 4; ++rank) {
    threads.emplace_back([&, rank] {
      Loader loader(feed.source, feed.sampler, {.rank = static_cast<int64_t>(rank), .world_size = 4});
      for (int64_t step = 0; step < 20; ++step) first[rank] = loader.next().batch.observation_id;
    });
  }
  for (std::thread& thread : threads) thread.join();
  expect_equal(at::cat(first), load(*feed.source, feed.sampler->batch(19), 3, 0, 1, 19).batch.observation_id);
}

}  // namespace
}  // namespace causalfm::data
