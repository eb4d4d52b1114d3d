#include "causalfm/data/dataset_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <map>
#include <thread>

#include "causalfm/config/error.hpp"
#include "causalfm/data/error.hpp"
#include "causalfm/data/manifest.hpp"
#include "causalfm/data/shard.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/simulation/simulator.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/storage/hdf5_reader.hpp"
#include "storage/faulty_file_system.hpp"
#include "storage/temporary_folder.hpp"

namespace causalfm::data {
namespace {

using storage::TemporaryFolder;

config::Simulation universe(int64_t stars) {
  config::Simulation settings;
  settings.stars = stars;
  settings.instruments = 5;
  settings.curves_per_star = 10;
  return settings;
}

/// Every file of a folder with its content.
std::map<std::string, std::vector<std::byte>> content_of(const std::filesystem::path& folder) {
  const auto files = storage::make_real_file_system();
  std::map<std::string, std::vector<std::byte>> content;
  for (const std::string& name : files->list(folder)) content[name] = files->read(folder / name);
  return content;
}

/// Ranks as threads; what each returned.
std::vector<WrittenDataset> write_on(int64_t world_size, const config::Simulation& settings,
                                     const std::filesystem::path& folder) {
  std::barrier<> barrier(world_size);
  std::vector<WrittenDataset> written(static_cast<size_t>(world_size));
  std::vector<std::thread> ranks;
  for (int64_t rank = 0; rank < world_size; ++rank) {
    ranks.emplace_back([&, rank] {
      const auto files = storage::make_real_file_system();
      written[rank] =
          write_simulated_dataset(*files, settings, folder, rank, world_size, [&] { barrier.arrive_and_wait(); });
    });
  }
  for (std::thread& rank : ranks) rank.join();
  return written;
}

TEST(ShardPlan, CoversEveryRowInShardsOfSaneSize) {
  for (const int64_t stars : {1, 7, 2000, 100000, 3000000}) {
    config::Simulation settings = universe(stars);
    settings.curves_per_star = 20;
    const ShardPlan plan = plan_shards(settings);
    EXPECT_EQ(plan.rows, stars * 20);
    EXPECT_EQ(plan.first_row(plan.shards - 1) + plan.rows_of(plan.shards - 1), plan.rows);
    EXPECT_GT(plan.rows_of(plan.shards - 1), 0);
    EXPECT_LE(plan.rows_per_shard * (400 + 20 + 200), int64_t{64} << 20);
  }
  EXPECT_GE(plan_shards(config::Simulation{}).shards, 8);
  config::Simulation long_curves = universe(10);
  long_curves.length = 1 << 26;
  EXPECT_EQ(plan_shards(long_curves).rows_per_shard, 1);
}

TEST(DatasetWriter, NumberOfRanksLeavesNoTrace) {
  const config::Simulation settings = universe(1200);
  ASSERT_GE(plan_shards(settings).shards, 3);
  const TemporaryFolder alone;
  write_on(1, settings, alone.path());
  const auto expected = content_of(alone.path());
  EXPECT_EQ(static_cast<int64_t>(expected.size()), plan_shards(settings).shards + 1);
  for (const int64_t world_size : {2, 3, 7}) {
    const TemporaryFolder folder;
    int64_t shards = 0;
    for (const WrittenDataset& written : write_on(world_size, settings, folder.path())) {
      shards += written.shards_written;
      EXPECT_FALSE(written.already_there);
    }
    EXPECT_EQ(shards, plan_shards(settings).shards);
    EXPECT_EQ(content_of(folder.path()), expected);
  }
}

TEST(DatasetWriter, TellsTheTruthBesideTheCurves) {
  config::Simulation settings = universe(20);
  settings.stellar_parameters = 4;
  settings.instrument_terms = 3;
  const TemporaryFolder folder;
  write_on(1, settings, folder / "made" / "here");
  const storage::Hdf5Reader shard(folder / "made" / "here" / "shard-00000.h5");
  const simulation::Simulator simulator(settings);
  ASSERT_EQ(shard.shape("truth/theta"), (std::vector<int64_t>{200, 4}));
  ASSERT_EQ(shard.shape("truth/phase"), (std::vector<int64_t>{200, 3}));
  ASSERT_EQ(shard.shape("truth/beta"), (std::vector<int64_t>{5, 3}));
  ASSERT_EQ(shard.shape("truth/gamma"), (std::vector<int64_t>{5, 3}));
  EXPECT_FALSE(shard.has("mask"));
  std::vector<double> values(4);
  simulator.stellar_parameters(13, values);
  EXPECT_EQ(shard.read("truth/theta").as<double>()[137 * 4 + 2], values[2]);
  simulator.phases(13, 137, std::span(values).first(3));
  EXPECT_EQ(shard.read("truth/phase").as<double>()[137 * 3 + 1], values[1]);
  std::vector<double> gamma(3);
  simulator.instrument_parameters(4, std::span(values).first(3), gamma);
  EXPECT_EQ(shard.read("truth/beta").as<double>()[4 * 3 + 2], values[2]);
  EXPECT_EQ(shard.read("truth/gamma").as<double>()[4 * 3 + 2], gamma[2]);
}

TEST(DatasetWriter, ASecondCallFindsEverythingThere) {
  const config::Simulation settings = universe(800);
  const TemporaryFolder folder;
  write_on(1, settings, folder.path());
  const auto expected = content_of(folder.path());
  const auto before = std::filesystem::last_write_time(folder / "shard-00000.h5");
  const auto manifest_before = std::filesystem::last_write_time(folder / manifest_file);
  for (const WrittenDataset& written : write_on(2, settings, folder.path())) {
    EXPECT_TRUE(written.already_there);
    EXPECT_EQ(written.shards_written, 0);
  }
  EXPECT_EQ(content_of(folder.path()), expected);
  EXPECT_EQ(std::filesystem::last_write_time(folder / "shard-00000.h5"), before);
  EXPECT_EQ(std::filesystem::last_write_time(folder / manifest_file), manifest_before);
}

TEST(DatasetWriter, RepairsWhatIsNotWhole) {
  const config::Simulation settings = universe(1200);
  const TemporaryFolder folder;
  write_on(1, settings, folder.path());
  const auto expected = content_of(folder.path());
  std::filesystem::remove(folder / "shard-00000.h5");
  std::filesystem::resize_file(folder / "shard-00001.h5", 100);
  const std::vector<WrittenDataset> written = write_on(2, settings, folder.path());
  EXPECT_EQ(written[0].shards_written, 1);
  EXPECT_EQ(written[1].shards_written, 1);
  EXPECT_EQ(content_of(folder.path()), expected);

  std::filesystem::remove(folder / manifest_file);
  write_on(1, settings, folder.path());
  EXPECT_EQ(content_of(folder.path()), expected);
}

TEST(DatasetWriter, AnotherDataSetIsLeftAlone) {
  const TemporaryFolder folder;
  write_on(1, universe(20), folder.path());
  const auto expected = content_of(folder.path());
  config::Simulation other = universe(20);
  other.noise = 0.04;
  const auto files = storage::make_real_file_system();
  try {
    write_simulated_dataset(*files, other, folder.path(), 0, 1, [] {});
    FAIL();
  } catch (const config::ConfigError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr(folder.path().string() + " holds another data set"),
                                             testing::HasSubstr("choose another folder")));
  }
  EXPECT_EQ(content_of(folder.path()), expected);
}

TEST(DatasetWriter, ADamagedManifestIsLeftForTheUserToJudge) {
  const TemporaryFolder folder;
  write_on(1, universe(20), folder.path());
  std::filesystem::resize_file(folder / manifest_file, 100);
  const auto files = storage::make_real_file_system();
  EXPECT_THROW(write_simulated_dataset(*files, universe(20), folder.path(), 0, 1, [] {}), DataError);
}

TEST(DatasetWriter, WhateverFailsNothingHalfWrittenPassesForADataSetAndASecondCallMendsIt) {
  const config::Simulation settings = universe(400);  // two shards
  const TemporaryFolder whole;
  write_on(1, settings, whole.path());
  const auto expected = content_of(whole.path());
  const auto real = storage::make_real_file_system();

  storage::FaultyFileSystem counting(*real);
  const TemporaryFolder counted;
  write_simulated_dataset(counting, settings, counted.path(), 0, 1, [] {});
  ASSERT_GT(counting.operations(), 8);
  for (int64_t operation = 0; operation < counting.operations(); ++operation) {
    for (const storage::Fault fault : storage::every_fault) {
      const TemporaryFolder folder;
      storage::FaultyFileSystem faulty(*real);
      faulty.fail_at(operation, fault, /*dead=*/operation % 2 == 0);
      EXPECT_THROW(write_simulated_dataset(faulty, settings, folder.path(), 0, 1, [] {}), storage::StorageError);
      faulty.lose_power(/*names_survive=*/operation % 3 == 0);
      faulty.never_fail();
      if (real->exists(folder / manifest_file)) {
        EXPECT_NO_THROW(open_shards(folder.path()));
      }
      write_simulated_dataset(faulty, settings, folder.path(), 0, 1, [] {});
      auto content = content_of(folder.path());
      std::erase_if(content, [](const auto& file) { return file.first.find(".partial-") != std::string::npos; });
      EXPECT_EQ(content, expected) << "operation " << operation;
    }
  }
}

TEST(DatasetWriter, AFolderThatCannotBeWrittenIsAStorageError) {
  const TemporaryFolder folder;
  const auto files = storage::make_real_file_system();
  files->write_new(folder / "a file", {});
  EXPECT_THROW(write_simulated_dataset(*files, universe(20), folder / "a file" / "data", 0, 1, [] {}),
               storage::StorageError);
}

}  // namespace
}  // namespace causalfm::data
