#include "causalfm/run/checkpoint_writer.hpp"

#include "causalfm/run/metrics.hpp"
#include "run/sample_checkpoint.hpp"
#include "storage/faulty_file_system.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <future>

namespace causalfm::run {
namespace {

using storage::Fault;
using storage::FaultyFileSystem;
using testing::ElementsAre;
using testing::HasSubstr;

class CheckpointWriterTest : public testing::Test {
 protected:
  storage::TemporaryFolder temporary_;
  std::shared_ptr<storage::FileSystem> real_ = storage::make_real_file_system();
  RunFolder folder_ = RunFolder::create(*real_, temporary_ / "run");

  void SetUp() override { folder_.write_config("seed: 7\n"); }
};

TEST_F(CheckpointWriterTest, SavesInOrderAndKeepsWhatIsToStay) {
  CheckpointWriter writer(folder_, {.newest = 2, .every = 200});
  for (int64_t step = 100; step <= 700; step += 100) writer.save(sample_checkpoint(step), step == 300);
  writer.wait();
  EXPECT_THAT(folder_.checkpoint_steps(), ElementsAre(200, 300, 400, 600, 700));
  EXPECT_EQ(folder_.best_checkpoint(), folder_.checkpoint_file(300));
  EXPECT_TRUE(equal(folder_.load_latest()->checkpoint, sample_checkpoint(700)));
  const std::vector<Save> reports = writer.take_reports();
  ASSERT_EQ(reports.size(), 7U);
  for (size_t index = 0; index < reports.size(); ++index) {
    EXPECT_EQ(reports[index].step, static_cast<int64_t>(index + 1) * 100);
    EXPECT_TRUE(reports[index].saved);
    EXPECT_EQ(reports[index].complaint, "");
    EXPECT_EQ(reports[index].bytes, static_cast<int64_t>(encode(sample_checkpoint(reports[index].step)).size()));
  }
  EXPECT_TRUE(writer.take_reports().empty());
}

TEST_F(CheckpointWriterTest, ItsEndWaitsForTheLast) {
  { CheckpointWriter(folder_, {}).save(sample_checkpoint(100, 50'000), false); }
  EXPECT_EQ(folder_.load_latest()->checkpoint.step, 100);
}

TEST_F(CheckpointWriterTest, WhoeverSavesWaitsOnlyForTheSaveBefore) {
  std::promise<void> may_write;
  FaultyFileSystem slow(*real_);
  slow.before_each([wait = may_write.get_future().share()](const std::string&) { wait.wait(); });
  CheckpointWriter writer(RunFolder::open(slow, temporary_ / "run"), {});
  writer.save(sample_checkpoint(100), false);
  EXPECT_TRUE(folder_.checkpoint_steps().empty()) << "save() has returned before anything was written";
  auto second = std::async(std::launch::async, [&] { writer.save(sample_checkpoint(200), false); });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  may_write.set_value();
  second.get();
  writer.wait();
  EXPECT_THAT(folder_.checkpoint_steps(), ElementsAre(100, 200));
}

TEST_F(CheckpointWriterTest, WhateverFailsIsReportedAndTheNextSaveIsWhole) {
  FaultyFileSystem faulty(*real_);
  int64_t points = 0;
  for (const Fault fault : storage::every_fault) {
    for (int64_t operation = 0;; ++operation) {
      CheckpointWriter writer(RunFolder::open(faulty, temporary_ / "run"), {.newest = 1});
      faulty.never_fail();
      writer.save(sample_checkpoint(100), true);
      writer.wait();
      writer.take_reports();
      faulty.fail_at(operation, fault);
      writer.save(sample_checkpoint(200), true);
      writer.wait();
      const bool reached = faulty.operations() > operation;
      const std::vector<Save> reports = writer.take_reports();
      ASSERT_EQ(reports.size(), 1U);
      const auto latest = folder_.load_latest();
      ASSERT_TRUE(latest.has_value());
      EXPECT_TRUE(latest->warnings.empty());
      EXPECT_TRUE(equal(latest->checkpoint, sample_checkpoint(latest->checkpoint.step)));
      if (reports[0].saved) {
        EXPECT_EQ(latest->checkpoint.step, 200);
      } else {
        EXPECT_THAT(reports[0].complaint, HasSubstr("injected"));
      }
      EXPECT_EQ(reached, !reports[0].complaint.empty()) << operation;
      faulty.never_fail();
      writer.save(sample_checkpoint(300), true);
      writer.wait();
      EXPECT_THAT(folder_.checkpoint_steps(), ElementsAre(300));
      EXPECT_EQ(folder_.best_checkpoint(), folder_.checkpoint_file(300));
      if (!reached) break;
      ++points;
    }
  }
  EXPECT_GT(points, 30);
}

}  // namespace
}  // namespace causalfm::run
