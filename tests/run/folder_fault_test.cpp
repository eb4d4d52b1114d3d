#include "causalfm/run/folder.hpp"
#include "causalfm/run/metrics.hpp"
#include "causalfm/storage/error.hpp"
#include "run/sample_checkpoint.hpp"
#include "storage/faulty_file_system.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/mount.h>

#include <cstring>

namespace causalfm::run {
namespace {

using storage::every_fault;
using storage::Fault;
using storage::FaultyFileSystem;
using testing::AnyOf;
using testing::IsEmpty;

/// What a training run does to its folder around a save that is also the best.
void save(storage::FileSystem& files, const std::filesystem::path& folder, int64_t step) {
  RunFolder run = RunFolder::create(files, folder);
  run.write_config("seed: 7\n");
  MetricsWriter metrics(files, run.metrics_file());
  const std::string complaint = metrics.write({{"step", step - 1}, {"loss", 0.5}});
  if (!complaint.empty()) throw storage::StorageError(complaint);
  sync_metrics(files, run.metrics_file());
  run.save_checkpoint(sample_checkpoint(step));
  run.mark_best(step);
  run.prune(step, {.newest = 2});
}

/// A fresh folder for each fault: three saves are done, the fourth meets the fault.
class SaveUnderFault {
 public:
  SaveUnderFault() : folder_(temporary_ / "run") {
    for (const int64_t step : {100, 200, 300}) {
      save(faulty_, folder_, step);
    }
  }

  /// Whether the save threw.
  bool run(int64_t operation, Fault fault, bool dead) {
    faulty_.fail_at(operation, fault, dead);
    try {
      save(faulty_, folder_, 400);
      return false;
    } catch (const storage::StorageError&) {
      return true;
    }
  }

  void lose_power(bool names_survive) { faulty_.lose_power(names_survive); }

  /// The folder is whole: latest and best are whole checkpoints, the old or the new, with no warning, and a resume
  /// saves its next checkpoint.
  void expect_whole(const std::string& fault) {
    RunFolder run = RunFolder::open(*real_, folder_);
    EXPECT_EQ(run.read_config(), "seed: 7\n") << fault;
    const auto loaded = run.load_latest();
    ASSERT_TRUE(loaded.has_value()) << fault;
    EXPECT_THAT(loaded->warnings, IsEmpty()) << fault;
    EXPECT_THAT(loaded->checkpoint.step, AnyOf(300, 400)) << fault;
    EXPECT_TRUE(equal(loaded->checkpoint, sample_checkpoint(loaded->checkpoint.step))) << fault;
    const auto best = run.best_checkpoint();
    ASSERT_TRUE(best.has_value()) << fault;
    const Checkpoint best_checkpoint = load_checkpoint(*real_, *best);
    EXPECT_THAT(best_checkpoint.step, AnyOf(300, 400)) << fault;

    faulty_.never_fail();
    MetricsWriter(faulty_, run.metrics_file()).drop_after_resume(loaded->checkpoint.step);
    const auto lines = read_metrics(*real_, run.metrics_file());
    EXPECT_EQ(static_cast<int64_t>(lines.size()), loaded->checkpoint.step / 100) << fault;

    save(faulty_, folder_, 500);
    EXPECT_EQ(run.load_latest()->checkpoint.step, 500) << fault;
    for (const std::string& name : real_->list(run.checkpoints())) {
      EXPECT_FALSE(name.starts_with('.')) << fault << " left " << name;
    }
  }

  int64_t operations() const { return faulty_.operations(); }

 private:
  storage::TemporaryFolder temporary_;
  std::filesystem::path folder_;
  std::shared_ptr<storage::FileSystem> real_ = storage::make_real_file_system();
  FaultyFileSystem faulty_{*real_};
};

int64_t operations_of_a_save() {
  SaveUnderFault counting;
  EXPECT_FALSE(counting.run(-1, Fault::refused, false));
  return counting.operations();
}

std::string describe(int64_t operation, Fault fault) {
  return "operation " + std::to_string(operation) + ", fault " + std::to_string(static_cast<int>(fault));
}

TEST(SaveFaultTest, TouchesTheDiskInManyPlaces) { EXPECT_GT(operations_of_a_save(), 15); }

TEST(SaveFaultTest, WhateverFailsOnceTheFolderIsWhole) {
  const int64_t operations = operations_of_a_save();
  for (const Fault fault : every_fault) {
    for (int64_t operation = 0; operation < operations; ++operation) {
      SaveUnderFault attempt;
      EXPECT_TRUE(attempt.run(operation, fault, false)) << describe(operation, fault);
      attempt.expect_whole(describe(operation, fault));
    }
  }
}

TEST(SaveFaultTest, WhereverThePowerFailsTheFolderIsWhole) {
  const int64_t operations = operations_of_a_save();
  for (const bool names_survive : {false, true}) {
    for (const Fault fault : every_fault) {
      for (int64_t operation = 0; operation <= operations; ++operation) {
        SaveUnderFault attempt;
        attempt.run(operation, fault, true);
        attempt.lose_power(names_survive);
        attempt.expect_whole(describe(operation, fault) + ", power lost");
      }
    }
  }
}

TEST(SaveFaultTest, TheFirstSaveSurvivesThePower) {
  for (const bool names_survive : {false, true}) {
    const storage::TemporaryFolder folder;
    const auto real = storage::make_real_file_system();
    FaultyFileSystem faulty(*real);
    save(faulty, folder / "run", 100);
    faulty.lose_power(names_survive);
    const RunFolder run = RunFolder::open(*real, folder / "run");
    EXPECT_TRUE(equal(run.load_latest()->checkpoint, sample_checkpoint(100)));
    EXPECT_EQ(run.best_checkpoint(), run.checkpoint_file(100));
    EXPECT_EQ(read_metrics(*real, run.metrics_file()).size(), 1U);
  }
}

TEST(SaveFaultTest, AFullDiskKeepsTheLastCheckpoint) {
  const storage::TemporaryFolder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "needs the right to mount a tmpfs: " << std::strerror(errno);
  }
  const auto files = storage::make_real_file_system();
  RunFolder run = RunFolder::create(*files, folder / "run");
  run.save_checkpoint(sample_checkpoint(100, 2000));
  EXPECT_THROW(run.save_checkpoint(sample_checkpoint(200, 2000)), storage::StorageError);
  EXPECT_EQ(run.load_latest()->checkpoint.step, 100);
  EXPECT_THAT(files->list(run.checkpoints()), testing::ElementsAre("latest", "step-00000100.h5"));
  ::umount2(folder.path().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace causalfm::run
