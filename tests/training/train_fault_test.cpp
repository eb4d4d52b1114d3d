#include "causalfm/comm/backends.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/run/metrics.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/training/train.hpp"
#include "run/sample_checkpoint.hpp"
#include "small_config.hpp"
#include "storage/faulty_file_system.hpp"
#include "storage/temporary_folder.hpp"
#include "test_host.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

/// A whole training on a disk of which every operation fails once, in turn.
namespace causalfm::training {
namespace {

using storage::Fault;
using storage::FaultyFileSystem;

constexpr int64_t steps = 6;

config::Config settings() {
  config::Config settings = small_config();
  settings.simulation.stars = 30;
  settings.model.encoder = config::EncoderKind::mlp;
  settings.train.steps = steps;
  settings.train.validate_every = 3;
  settings.train.checkpoint_every = 2;
  settings.train.keep_checkpoints = 2;
  return settings;
}

class TrainOnAFaultyDisk : public testing::Test {
 protected:
  void train_on(storage::FileSystem& disk, const std::string& run) {
    const auto alone = comm::make_single();
    const TestHost host(
        *alone, [] { return false; }, &disk);
    train({settings(), folder_ / run, Resume::automatic, {}}, host.host());
  }

  std::vector<nlohmann::ordered_json> lines(const std::string& run) {
    std::vector<nlohmann::ordered_json> lines = run::read_metrics(*real_, folder_ / run / "metrics.jsonl");
    for (auto& line : lines) {
      for (const char* clock : {"seconds", "curves_per_second", "data_wait_seconds", "exposed_communication_seconds",
                                "checkpoint_wait_seconds", "checkpoint_write_seconds"}) {
        line.erase(clock);
      }
    }
    return lines;
  }

  /// Whatever failed: what is there is whole, and the same command brings the run to the end that it would have had.
  void expect_as_whole(const std::string& fault) {
    const run::RunFolder whole = run::RunFolder::open(*real_, folder_ / "whole");
    // This process lives, but stands for one that is gone.
    std::filesystem::remove(folder_ / "run" / run::RunFolder::lock_name);
    train_on(*real_, "run");
    const run::RunFolder run = run::RunFolder::open(*real_, folder_ / "run");
    const auto latest = run.load_latest();
    ASSERT_TRUE(latest.has_value()) << fault;
    EXPECT_TRUE(latest->warnings.empty()) << fault;
    EXPECT_EQ(latest->checkpoint.step, steps) << fault;
    const auto expected = whole.load_latest()->checkpoint.tensors;
    for (size_t index = 0; index < expected.size(); ++index) {
      EXPECT_TRUE(run::equal_bits(latest->checkpoint.tensors[index].second, expected[index].second)) << fault;
    }
    EXPECT_EQ(run.best_checkpoint()->filename(), whole.best_checkpoint()->filename()) << fault;
    EXPECT_FALSE(real_->exists(run.lock_file())) << fault;
    for (const std::string& name : real_->list(run.checkpoints())) EXPECT_FALSE(name.starts_with('.')) << fault << name;
  }

  /// Every `stride`-th operation from `first` on fails; with `dead` all after it too.
  void fail_in_turn(int64_t first, int64_t stride, bool dead) {
    train_on(*real_, "whole");
    int64_t failures = 0;
    for (const Fault fault : storage::every_fault) {
      for (int64_t operation = first;; operation += stride) {
        std::filesystem::remove_all(folder_ / "run");
        FaultyFileSystem disk(*real_);
        disk.fail_at(operation, fault, dead);
        bool ended = true;
        try {
          train_on(disk, "run");
        } catch (const storage::StorageError& error) {
          ended = false;
          EXPECT_THAT(error.what(), testing::HasSubstr("injected"));
        }
        if (disk.operations() <= operation) break;
        ++failures;
        const std::string words = "operation " + std::to_string(operation) + ", fault " +
                                  std::to_string(static_cast<int>(fault)) + (dead ? ", dead" : "");
        if (ended && !dead) {
          EXPECT_EQ(lines("run"), lines("whole")) << words;
        }
        expect_as_whole(words);
        if (!ended) EXPECT_EQ(lines("run"), lines("whole")) << words;
      }
    }
    EXPECT_GT(failures, 3);
  }

  storage::TemporaryFolder folder_;
  std::shared_ptr<storage::FileSystem> real_ = storage::make_real_file_system();
};

TEST_F(TrainOnAFaultyDisk, ThatIsSlowChangesNothing) {
  train_on(*real_, "whole");
  FaultyFileSystem slow(*real_);
  slow.before_each([](const std::string&) { std::this_thread::sleep_for(std::chrono::milliseconds(20)); });
  train_on(slow, "run");
  EXPECT_EQ(lines("run"), lines("whole"));
  expect_as_whole("slow");
}

TEST_F(TrainOnAFaultyDisk, GoesOnOrResumesToTheSameEnd) {
  fail_in_turn(0, 13, false);
  fail_in_turn(7, 17, true);
}

using TrainOnAFaultyDiskLong = TrainOnAFaultyDisk;

TEST_F(TrainOnAFaultyDiskLong, GoesOnOrResumesToTheSameEndWhateverFails) { fail_in_turn(0, 1, false); }

TEST_F(TrainOnAFaultyDiskLong, ResumesToTheSameEndWheneverTheDiskIsGone) { fail_in_turn(0, 1, true); }

}  // namespace
}  // namespace causalfm::training
