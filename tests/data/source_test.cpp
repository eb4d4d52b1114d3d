#include "causalfm/data/source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <thread>

#include "causalfm/config/load.hpp"
#include "causalfm/data/dataset_writer.hpp"
#include "causalfm/data/error.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/simulation/simulator.hpp"
#include "data/written_dataset.hpp"
#include "storage/temporary_folder.hpp"

#include <ATen/ATen.h>

namespace causalfm::data {
namespace {

using storage::TemporaryFolder;

config::Simulation small_universe() {
  config::Simulation settings;
  settings.stars = 300;
  settings.instruments = 7;
  settings.curves_per_star = 9;
  settings.length = 150;
  return settings;
}

void simulate_into(const std::filesystem::path& folder, const config::Simulation& settings) {
  write_simulated_dataset(*storage::make_real_file_system(), settings, folder, 0, 1, [] {});
}

struct Read {
  std::vector<float> flux;
  std::vector<float> time;
  std::vector<uint8_t> mask;
  bool operator==(const Read&) const = default;
};

Read read(const Source& source, const std::vector<int64_t>& rows) {
  const size_t samples = rows.size() * static_cast<size_t>(source.length());
  Read content{std::vector<float>(samples), std::vector<float>(samples), std::vector<uint8_t>(samples)};
  source.read(rows, {.flux = content.flux, .time = content.time, .mask = content.mask});
  return content;
}

std::vector<int64_t> random_rows(int64_t bound, size_t count) {
  std::mt19937_64 random(3);
  std::vector<int64_t> rows(count);
  for (int64_t& row : rows) row = static_cast<int64_t>(random() % static_cast<uint64_t>(bound));
  return rows;
}

TEST(SimulatedSource, IsTheSimulatorRowByRow) {
  const config::Simulation settings = small_universe();
  const auto source = make_simulated_source(settings);
  const simulation::Simulator simulator(settings);
  ASSERT_EQ(source->rows(), 2700);
  std::vector<int64_t> rows_of_instrument(7, 0);
  for (int64_t row = 0; row < source->rows(); ++row) {
    const simulation::Observation expected = simulator.observation(row);
    ASSERT_EQ(source->observations().star_id[row], expected.star);
    ASSERT_EQ(source->observations().instrument_id[row], expected.instrument);
    ASSERT_EQ(source->observations().observation_id[row], expected.observation);
    ++rows_of_instrument[expected.instrument];
  }
  for (int64_t id = 0; id < 7; ++id) {
    EXPECT_EQ(source->description().instruments[id].rows, rows_of_instrument[id]);
  }
  const simulation::Observation wanted = simulator.observation(1234);
  std::vector<float> flux(150);
  simulator.light_curves({&wanted, 1}, flux);
  EXPECT_EQ(read(*source, {7, 1234}).flux[150 + 80], flux[80]);
  EXPECT_EQ(read(*source, {7, 1234}).time[150 + 80], 80.0F);
  EXPECT_EQ(read(*source, {7, 1234}).mask, std::vector<uint8_t>(300, 1));
  EXPECT_EQ(source->description().stars, 300);
  EXPECT_TRUE(source->has_shared_time());
  EXPECT_FALSE(source->has_mask());
}

TEST(Source, SimulationAndItsShardsAreOne) {
  for (const auto assignment : {config::Assignment::balanced, config::Assignment::sparse}) {
    const TemporaryFolder folder;
    config::Simulation settings = small_universe();
    settings.assignment = assignment;
    simulate_into(folder.path(), settings);
    const auto simulated = make_simulated_source(settings);
    const auto shards = open_shards(folder.path());
    EXPECT_EQ(shards->description().identity, simulated->description().identity);
    EXPECT_EQ(shards->description().simulation, settings);
    EXPECT_EQ(shards->description().shared_time, simulated->description().shared_time);
    EXPECT_EQ(shards->description().stars, simulated->description().stars);
    EXPECT_EQ(shards->observations().star_id, simulated->observations().star_id);
    EXPECT_EQ(shards->observations().instrument_id, simulated->observations().instrument_id);
    EXPECT_EQ(shards->observations().observation_id, simulated->observations().observation_id);
    EXPECT_TRUE(shards->observations().group_id.empty());
    std::vector<int64_t> rows(2700);
    std::iota(rows.begin(), rows.end(), int64_t{0});
    EXPECT_EQ(read(*shards, rows), read(*simulated, rows));
  }
}

TEST(Source, SimulationAndItsShardsGiveEqualBatches) {
  const TemporaryFolder folder;
  config::Config settings;
  settings.simulation = small_universe();
  settings.train.batch_triplets = 32;
  simulate_into(folder.path(), settings.simulation);
  config::Config stored = settings;
  stored.data.path = folder.path().string();
  const auto load_step = [](const config::Config& config, int64_t step) {
    const auto source = make_source(config);
    const auto sampler = make_sampler(config, *source, Split::train);
    return load(*source, sampler->batch(step), 3, 1, 2, step);
  };
  for (const int64_t step : {0, 1, 1000}) {
    const LoadedStep a = load_step(settings, step);
    const LoadedStep b = load_step(stored, step);
    EXPECT_TRUE(at::equal(a.batch.flux, b.batch.flux));
    EXPECT_TRUE(at::equal(a.batch.time, b.batch.time));
    EXPECT_TRUE(at::equal(a.batch.observation_id, b.batch.observation_id));
    EXPECT_TRUE(at::equal(a.global.observation_id, b.global.observation_id));
    EXPECT_TRUE(at::equal(a.global.star_id, b.global.star_id));
  }
}

TEST(ShardSource, GivesBackWhatWasWritten) {
  for (const bool has_mask : {false, true}) {
    for (const bool has_own_time : {false, true}) {
      const TemporaryFolder folder;
      const std::vector<ShardContent> shards =
          random_shards({.has_mask = has_mask, .has_own_time = has_own_time, .has_groups = has_mask});
      write_dataset(folder.path(), shards);
      const auto source = open_shards(folder.path());
      const ObservationTable table = table_of(shards);
      EXPECT_EQ(source->observations().star_id, table.star_id);
      EXPECT_EQ(source->observations().instrument_id, table.instrument_id);
      EXPECT_EQ(source->observations().observation_id, table.observation_id);
      EXPECT_EQ(source->observations().group_id, table.group_id);
      EXPECT_EQ(source->has_mask(), has_mask);
      EXPECT_EQ(source->has_shared_time(), !has_own_time);
      EXPECT_EQ(source->description().catalogue, "a catalogue");
      EXPECT_EQ(source->description().instruments[3].key, "{\"camera\":3}");
      for (const int64_t row : random_rows(source->rows(), 50)) {
        const ShardContent& shard = shards[static_cast<size_t>(row / 40)];
        const Read content = read(*source, {row});
        const auto begin = row % 40 * 12;
        EXPECT_TRUE(std::equal(content.flux.begin(), content.flux.end(), shard.flux.begin() + begin));
        EXPECT_TRUE(
            std::equal(content.time.begin(), content.time.end(), shard.time.begin() + (has_own_time ? begin : 0)));
        if (has_mask) {
          EXPECT_TRUE(std::equal(content.mask.begin(), content.mask.end(), shard.mask.begin() + begin));
        } else {
          EXPECT_EQ(content.mask, std::vector<uint8_t>(12, 1));
        }
      }
    }
  }
}

TEST(ShardSource, ReadsTheSameFromFilesAsFromMemoryInAnyOrder) {
  const TemporaryFolder folder;
  write_dataset(folder.path(), random_shards({.has_mask = true, .has_own_time = true}));
  const auto in_memory = open_shards(folder.path());
  const auto from_files = open_shards(folder.path(), /*cache_bytes=*/0);
  const std::vector<int64_t> rows = random_rows(in_memory->rows(), 200);
  const Read together = read(*in_memory, rows);
  EXPECT_EQ(read(*from_files, rows), together);
  for (size_t i = 0; i < rows.size(); ++i) {
    const Read one = read(*from_files, {rows[i]});
    EXPECT_TRUE(std::equal(one.flux.begin(), one.flux.end(), together.flux.begin() + static_cast<ptrdiff_t>(i) * 12));
  }
}

TEST(ShardSource, ShardsMayDifferInWhatTheyHave) {
  const TemporaryFolder folder;
  std::vector<ShardContent> shards = random_shards({.has_mask = true, .has_own_time = true, .has_groups = true});
  ASSERT_GE(shards.size(), 2U);
  ShardContent& plain = shards[1];
  plain.mask.clear();
  plain.time.resize(12);
  plain.observations.group_id.clear();
  write_dataset(folder.path(), shards);
  const auto source = open_shards(folder.path());
  EXPECT_TRUE(source->has_mask());
  EXPECT_FALSE(source->has_shared_time());
  EXPECT_EQ(source->observations().group_id[0], shards[0].observations.group_id[0]);
  EXPECT_EQ(source->observations().group_id[45], -1);
  EXPECT_EQ(source->observations().group_id.size(), static_cast<size_t>(source->rows()));
  const Read content = read(*source, {3, 45});
  EXPECT_TRUE(std::equal(plain.time.begin(), plain.time.end(), content.time.begin() + 12));
  EXPECT_EQ(std::count(content.mask.begin() + 12, content.mask.end(), 1), 12);
}

TEST(ShardSource, FluxUnderTheMaskIsZeroWhoeverWroteIt) {
  const TemporaryFolder folder;
  std::vector<ShardContent> shards = random_shards({.has_mask = true});
  for (size_t i = 0; i < shards[0].flux.size(); ++i) {
    if (shards[0].mask[i] == 0) shards[0].flux[i] = NAN;
    if (shards[0].mask[i] == 1 && i % 2 == 0) shards[0].mask[i] = 255;
  }
  write_dataset(folder.path(), shards);
  const auto source = open_shards(folder.path());
  for (int64_t row = 0; row < 40; ++row) {
    const Read content = read(*source, {row});
    for (size_t t = 0; t < 12; ++t) {
      EXPECT_EQ(content.mask[t], shards[0].mask[row * 12 + t] != 0);
      EXPECT_TRUE(content.mask[t] == 1 || content.flux[t] == 0.0F);
    }
  }
}

TEST(ShardSource, ManyThreadsReadAtOnce) {
  const TemporaryFolder folder;
  write_dataset(folder.path(), random_shards({.has_mask = true}));
  for (const int64_t cache_bytes : {int64_t{0}, int64_t{1} << 30}) {
    const auto source = open_shards(folder.path(), cache_bytes);
    const std::vector<int64_t> rows = random_rows(source->rows(), 60);
    const Read expected = read(*open_shards(folder.path()), rows);
    std::vector<Read> contents(4);
    std::vector<std::thread> threads;
    for (Read& content : contents) threads.emplace_back([&] { content = read(*source, rows); });
    for (std::thread& thread : threads) thread.join();
    for (const Read& content : contents) EXPECT_EQ(content, expected);
  }
}

TEST(Source, WrongRowsAndBuffersAreRefused) {
  const TemporaryFolder folder;
  write_dataset(folder.path(), random_shards({}));
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(open_shards(folder.path()));
  sources.push_back(make_simulated_source(small_universe()));
  for (const auto& source : sources) {
    EXPECT_THROW(read(*source, {-1}), DataError);
    EXPECT_THROW(read(*source, {0, source->rows()}), DataError);
    std::vector<float> flux(static_cast<size_t>(source->length()) + 1);
    const int64_t row = 0;
    EXPECT_THROW(source->read({&row, 1}, {.flux = flux, .time = {}, .mask = {}}), DataError);
    EXPECT_NO_THROW(source->read({&row, 1}, {}));
    EXPECT_NO_THROW(read(*source, {}));
  }
}

TEST(SimulationIdentity, FollowsFromEverySettingAndNothingElse) {
  const config::Simulation settings;
  EXPECT_EQ(simulation_identity(settings), simulation_identity(config::Simulation{}));
  EXPECT_EQ(simulation_identity(settings).size(), 64U);
  for (const char* change : {"seed=2", "stars=1999", "instruments=16", "curves_per_star=21", "assignment=uniform",
                             "stellar_parameters=12", "instrument_terms=16", "length=101", "alpha=1.1", "lambda=0.6",
                             "period_scatter=0.31", "phases=star", "noise=0.031"}) {
    const config::Config changed = config::parse("", "a test", {std::string("simulation.") + change});
    EXPECT_NE(simulation_identity(changed.simulation), simulation_identity(settings)) << change;
  }
}

TEST(SimulationIdentity, NeverChangesSilently) {
  EXPECT_EQ(simulation_identity(config::Simulation{}),
            "5558897a5ee849d543b6975508c063f35684b4b3369e9adecb24db4640c51004");
}

TEST(MakeSource, TheDataSetsOwnSimulationHoldsAndTheDifferenceIsSaid) {
  const TemporaryFolder folder;
  config::Config settings;
  settings.simulation = small_universe();
  simulate_into(folder.path(), settings.simulation);
  settings.data.path = folder.path().string();
  EXPECT_EQ(simulation_mismatch(settings, *make_source(settings)), std::nullopt);
  settings.simulation.noise = 0.5;
  const auto source = make_source(settings);
  EXPECT_EQ(source->description().simulation, small_universe());
  ASSERT_TRUE(simulation_mismatch(settings, *source));
  EXPECT_THAT(*simulation_mismatch(settings, *source), testing::HasSubstr(folder.path().string()));
}

}  // namespace
}  // namespace causalfm::data
