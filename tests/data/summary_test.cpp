#include "causalfm/data/summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "causalfm/data/error.hpp"
#include "causalfm/data/manifest.hpp"
#include "data/written_dataset.hpp"
#include "storage/temporary_folder.hpp"

namespace causalfm::data {
namespace {

using storage::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Summary, OfASimulatedUniverse) {
  config::Simulation settings;
  settings.stars = 50;
  settings.instruments = 4;
  settings.curves_per_star = 4;
  const auto source = make_simulated_source(settings);
  const DatasetSummary summary = summarize(*source, {});
  EXPECT_EQ(summary.rows, 200);
  EXPECT_EQ(summary.triplet_anchors, 200);
  EXPECT_EQ(summary.pair_anchors, 200);
  EXPECT_EQ(summary.pairs, 200 * 3);
  EXPECT_EQ(summary.triplets, 200 * 3 * 49);
  EXPECT_EQ(summary.missing_fraction, 0.0);
  EXPECT_EQ(summary.skipped.rows, 0);
  EXPECT_EQ(summary.train.stars + summary.validation.stars + summary.test.stars, 50);
  EXPECT_EQ(summary.train.rows + summary.validation.rows + summary.test.rows, 200);
}

TEST(Summary, CountsWhatIsMissing) {
  const TemporaryFolder folder;
  std::vector<ShardContent> shards = random_shards({.has_mask = true, .has_groups = true});
  int64_t missing = 0;
  int64_t samples = 0;
  for (ShardContent& shard : shards) {
    std::fill_n(shard.mask.begin(), 12, uint8_t{0});
    missing += std::count(shard.mask.begin(), shard.mask.end(), 0);
    samples += static_cast<int64_t>(shard.mask.size());
  }
  write_dataset(folder.path(), shards);
  const DatasetSummary summary = summarize(*open_shards(folder.path()), {});
  EXPECT_DOUBLE_EQ(summary.missing_fraction, static_cast<double>(missing) / static_cast<double>(samples));
  EXPECT_EQ(summary.largest_missing_fraction, 1.0);
  EXPECT_EQ(summary.empty_curves, static_cast<int64_t>(shards.size()));
  EXPECT_EQ(summary.groups, 5);
  EXPECT_GT(summary.skipped.stars_with_one_instrument, 0);
}

TEST(FolderCheck, FindsNothingInAWholeDataSet) {
  const TemporaryFolder folder;
  const auto files = storage::make_real_file_system();
  write_dataset(folder.path(), random_shards({.has_mask = true}));
  const FolderCheck quick = check_folder(*files, folder.path(), false);
  EXPECT_TRUE(quick.problems.empty());
  EXPECT_TRUE(quick.unlisted.empty());
  EXPECT_EQ(quick.datasets_read, 0);
  const FolderCheck thorough = check_folder(*files, folder.path(), true);
  EXPECT_TRUE(thorough.problems.empty());
  EXPECT_EQ(thorough.datasets_read, 6 * thorough.shards);
  EXPECT_EQ(thorough.bytes, quick.bytes);
  EXPECT_GT(thorough.bytes, 1000);
}

TEST(FolderCheck, NamesEveryProblemAndWhatDoesNotBelong) {
  const TemporaryFolder folder;
  const auto files = storage::make_real_file_system();
  write_dataset(folder.path(), random_shards({.rows_per_shard = 20}));
  std::filesystem::remove(folder / "shard-00000.h5");
  std::vector<std::byte> bytes = files->read(folder / "shard-00002.h5");
  bytes[bytes.size() / 2] ^= std::byte{4};
  files->write_new(folder / "shard-00002.h5", bytes);
  std::ofstream(folder / "notes.txt") << "mine";
  const FolderCheck check = check_folder(*files, folder.path(), true);
  ASSERT_GE(check.problems.size(), 2U);
  EXPECT_THAT(check.problems.front(), HasSubstr("shard-00000.h5 is missing"));
  EXPECT_THAT(check.problems[1], HasSubstr("shard-00002.h5"));
  EXPECT_THAT(check.unlisted, ElementsAre("notes.txt"));
}

TEST(FolderCheck, ADamagedManifestIsNoDataSet) {
  const TemporaryFolder folder;
  const auto files = storage::make_real_file_system();
  write_dataset(folder.path(), random_shards({}));
  std::filesystem::resize_file(folder / manifest_file, 50);
  EXPECT_THROW(check_folder(*files, folder.path(), false), DataError);
}

}  // namespace
}  // namespace causalfm::data
