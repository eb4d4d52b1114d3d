#include "causalfm/run/folder.hpp"

#include "causalfm/run/error.hpp"
#include "causalfm/storage/error.hpp"
#include "run/sample_checkpoint.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

namespace causalfm::run {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RunFolderTest : public testing::Test {
 protected:
  void write(const std::filesystem::path& file, std::string_view text) {
    files_->write_new(file, std::as_bytes(std::span(text)));
  }

  void save(const Checkpoint& checkpoint, int64_t newest, int64_t every = 0) {
    run_.save_checkpoint(checkpoint);
    run_.prune(checkpoint.step, {newest, every});
  }

  void damage(int64_t step) {
    std::vector<std::byte> bytes = files_->read(run_.checkpoint_file(step));
    bytes[bytes.size() / 2] ^= std::byte{1};
    bytes.resize(bytes.size() - 10);
    files_->write_new(run_.checkpoint_file(step), bytes);
  }

  std::string text(const std::filesystem::path& file) {
    const std::vector<std::byte> content = files_->read(file);
    return {reinterpret_cast<const char*>(content.data()), content.size()};
  }

  storage::TemporaryFolder folder_;
  std::shared_ptr<storage::FileSystem> files_ = storage::make_real_file_system();
  RunFolder run_ = RunFolder::create(*files_, folder_ / "runs/paper");
};

TEST_F(RunFolderTest, HasTheNamesOfTheContract) {
  EXPECT_EQ(run_.config_file(), folder_ / "runs/paper/config.yaml");
  EXPECT_EQ(run_.metrics_file().filename(), "metrics.jsonl");
  EXPECT_EQ(run_.summary_file().filename(), "summary.json");
  EXPECT_EQ(run_.log_file().filename(), "log.txt");
  EXPECT_EQ(run_.checkpoint_file(500), folder_ / "runs/paper/checkpoints/step-00000500.h5");
  EXPECT_EQ(run_.checkpoint_file(1234567890).filename(), "step-1234567890.h5");
}

TEST_F(RunFolderTest, KeepsTheConfiguration) {
  EXPECT_FALSE(run_.read_config().has_value());
  run_.write_config("seed: 7\n");
  run_.write_config("seed: 8\n");
  EXPECT_EQ(run_.read_config(), "seed: 8\n");
  EXPECT_EQ(RunFolder::open(*files_, run_.path()).read_config(), "seed: 8\n");
}

TEST_F(RunFolderTest, AFolderWithoutConfigurationIsNoRun) {
  try {
    RunFolder::open(*files_, folder_.path());
    ADD_FAILURE();
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(folder_.path().string()), HasSubstr("no config.yaml")));
  }
}

TEST_F(RunFolderTest, SavesAndLoadsTheLatest) {
  EXPECT_FALSE(run_.load_latest().has_value());
  EXPECT_FALSE(run_.latest_checkpoint().has_value());
  save(sample_checkpoint(500), 3);
  save(sample_checkpoint(1000), 3);
  EXPECT_EQ(text(run_.checkpoints() / "latest"), "step-00001000.h5\n");
  EXPECT_EQ(run_.latest_checkpoint(), run_.checkpoint_file(1000));
  const auto loaded = run_.load_latest();
  EXPECT_TRUE(equal(loaded->checkpoint, sample_checkpoint(1000)));
  EXPECT_EQ(loaded->file, run_.checkpoint_file(1000));
  EXPECT_THAT(loaded->warnings, IsEmpty());
}

TEST_F(RunFolderTest, KeepsTheNewestTheLatestAndTheBest) {
  save(sample_checkpoint(100), 2);
  run_.mark_best(100);
  for (const int64_t step : {200, 300, 400, 500}) {
    save(sample_checkpoint(step), 2);
  }
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(100, 400, 500));
  run_.mark_best(500);
  EXPECT_EQ(text(run_.checkpoints() / "best"), "step-00000500.h5\n");
  save(sample_checkpoint(600), 2);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(500, 600));
  save(sample_checkpoint(700), 1);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(500, 700));
  EXPECT_EQ(run_.best_checkpoint(), run_.checkpoint_file(500));
}

TEST_F(RunFolderTest, SavingAStepAgainReplacesIt) {
  save(sample_checkpoint(100), 2);
  Checkpoint other = sample_checkpoint(100);
  other.ranks = 17;
  save(other, 2);
  EXPECT_EQ(run_.load_latest()->checkpoint.ranks, 17);
}

TEST_F(RunFolderTest, TheBestMustBeThere) { EXPECT_THROW(run_.mark_best(100), storage::StorageError); }

TEST_F(RunFolderTest, PruningLeavesWhatIsNotOursAndTakesWhatACrashLeft) {
  write(run_.checkpoints() / "step-5.h5", "of someone");
  write(run_.checkpoints() / "notes.txt", "of someone");
  write(run_.checkpoints() / ".step-00000100.h5.partial-1-1", "of a crash");
  save(sample_checkpoint(200), 1);
  EXPECT_THAT(files_->list(run_.checkpoints()), ElementsAre("latest", "notes.txt", "step-00000200.h5", "step-5.h5"));
}

TEST_F(RunFolderTest, DamagedLatestFallsBackWithAWarning) {
  for (const int64_t step : {100, 200, 300}) {
    save(sample_checkpoint(step), 3);
  }
  damage(300);
  auto loaded = run_.load_latest();
  EXPECT_EQ(loaded->checkpoint.step, 200);
  EXPECT_THAT(loaded->warnings, ElementsAre(HasSubstr(run_.checkpoint_file(300).string())));
  files_->write_new(run_.checkpoint_file(200), {});
  loaded = run_.load_latest();
  EXPECT_EQ(loaded->checkpoint.step, 100);
  EXPECT_THAT(loaded->warnings, testing::SizeIs(2));
}

TEST_F(RunFolderTest, GoingOnFromAnOlderCheckpointRemovesTheAbandonedFuture) {
  for (const int64_t step : {100, 200, 300}) {
    save(sample_checkpoint(step), 3);
  }
  damage(300);
  ASSERT_EQ(run_.load_latest()->checkpoint.step, 200);
  save(sample_checkpoint(250), 3);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(100, 200, 250));
  EXPECT_EQ(run_.load_latest()->checkpoint.step, 250);
}

TEST_F(RunFolderTest, LostOrDamagedLatestTextTakesTheNewestWholeOne) {
  save(sample_checkpoint(100), 3);
  save(sample_checkpoint(200), 3);
  for (const char* content : {"", "step-00000300.h5\n", "../../../etc/passwd\n", "garbage"}) {
    write(run_.checkpoints() / "latest", content);
    EXPECT_FALSE(run_.latest_checkpoint().has_value()) << content;
    const auto loaded = run_.load_latest();
    EXPECT_EQ(loaded->checkpoint.step, 200);
    EXPECT_THAT(loaded->warnings, ElementsAre(HasSubstr("latest: it names no checkpoint"))) << content;
  }
  files_->remove(run_.checkpoints() / "latest");
  EXPECT_EQ(run_.load_latest()->checkpoint.step, 200);
}

TEST_F(RunFolderTest, WhenAllAreDamagedTheSentenceSaysSo) {
  save(sample_checkpoint(100), 3);
  damage(100);
  try {
    run_.load_latest();
    ADD_FAILURE();
  } catch (const storage::StorageError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("none of its 1 checkpoints is whole"), HasSubstr("step-00000100.h5"),
                                    HasSubstr("start anew")));
  }
}

}  // namespace
}  // namespace causalfm::run
