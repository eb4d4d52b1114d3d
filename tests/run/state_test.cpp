#include "causalfm/run/state.hpp"

#include "causalfm/run/error.hpp"
#include "run/sample_checkpoint.hpp"
#include "run/written_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace causalfm::run {
namespace {

using namespace std::chrono_literals;

class RunStateTest : public testing::Test {
 protected:
  RunStateTest() {
    settings_.train.steps = 1000;
    settings_.train.validate_every = 100;
  }

  WrittenRun make() { return {*files_, folder_ / "run", settings_}; }

  /// As seen by whom rank 0 lives, is gone, or is out of sight.
  RunState state(std::optional<bool> lives = {}) {
    return read_state(*files_, folder_ / "run",
                      {std::chrono::system_clock::now(), [lives](const Place&) { return lives; }});
  }

  storage::TemporaryFolder folder_;
  std::shared_ptr<storage::FileSystem> files_ = storage::make_real_file_system();
  config::Config settings_;
};

constexpr const char* lock_of_node7 =
    R"({"host": "node7", "pid": 41, "started": "2025-11-26T01:00:00Z", "ranks": 8, "hosts": ["node7", "node8"]})";

TEST_F(RunStateTest, NoRunIsARunError) { EXPECT_THROW(state(), RunError); }

TEST_F(RunStateTest, ARunThatHasJustBegunIsRunning) {
  make();
  const RunState begun = state();
  EXPECT_EQ(begun.activity, Activity::running);
  EXPECT_EQ(begun.steps, 1000);
  EXPECT_EQ(begun.history.steps_done, 0);
  EXPECT_FALSE(begun.curves_per_second || begun.seconds_a_step || begun.seconds_left || begun.latest);
}

TEST_F(RunStateTest, SpeedAndTimeLeftOfTheLastSteps) {
  WrittenRun run = make();
  run.train(0, 100, 9.0, 10.0);  // slow at first: not of the last lines
  run.train(100, 200, 9.0, 400.0);
  const RunState running = state();
  EXPECT_EQ(running.history.steps_done, 300);
  EXPECT_NEAR(*running.curves_per_second, 400.0, 1e-9);
  EXPECT_NEAR(*running.seconds_a_step, 9.0, 1e-9);
  EXPECT_NEAR(*running.seconds_left, 6300.0, 1e-6);
  EXPECT_NEAR(running.seconds, 2700.0, 1e-9);
  EXPECT_NEAR((*running.history.last_training)["loss"].get<double>(), 7.01, 1e-12);
}

TEST_F(RunStateTest, SpeedIsThatOfTheWorkNotOfTheLines) {
  WrittenRun run = make();
  for (int64_t step = 0; step < 50; ++step) run.train(step, 1, 1.0, step % 2 == 0 ? 100.0 : 300.0);
  EXPECT_NEAR(*state().curves_per_second, 150.0, 1e-9);  // 2 / (1/100 + 1/300)
}

TEST_F(RunStateTest, ALineThatIsBeingWrittenDisturbsNothing) {
  WrittenRun run = make();
  run.train(0, 10);
  const std::string_view torn = "{\"step\": 10, \"lo";
  files_->append(run.folder().metrics_file(), std::as_bytes(std::span(torn)));
  EXPECT_EQ(state().history.steps_done, 10);
}

TEST_F(RunStateTest, EveryEnd) {
  for (const auto& [ending, activity] :
       {std::pair{Ending::completed, Activity::completed}, std::pair{Ending::early_stopping, Activity::early_stopping},
        std::pair{Ending::interrupted, Activity::interrupted}, std::pair{Ending::failed, Activity::failed}}) {
    std::filesystem::remove_all(folder_ / "run");
    WrittenRun run = make();
    run.train(0, 10);
    run.age(10s);
    run.end(ending, 10, ending == Ending::failed ? "rank 2 died" : "");
    const RunState ended = state();
    EXPECT_EQ(ended.activity, activity);
    EXPECT_EQ(to_string(ended.activity), to_string(ending));
    EXPECT_EQ(ended.reason, ending == Ending::failed ? "rank 2 died" : "");
    EXPECT_EQ(ended.ranks, 4);
    EXPECT_EQ(ended.seconds, 7200.0);
    EXPECT_FALSE(ended.seconds_left);
  }
}

TEST_F(RunStateTest, AnEndedRunThatWasCopiedHasEnded) {
  WrittenRun run = make();
  run.train(0, 10);
  run.end(Ending::completed, 10);
  run.age(1h);
  std::filesystem::last_write_time(run.folder().config_file(), std::filesystem::file_time_type::clock::now() - 30min);
  EXPECT_EQ(state().activity, Activity::completed);
}

TEST_F(RunStateTest, AFullDiskMayHaveCostTheLastLine) {
  WrittenRun run = make();
  run.train(0, 10);
  run.age(10s);
  run.end(Ending::failed, 11, "no space left");
  EXPECT_EQ(state().activity, Activity::failed);
}

TEST_F(RunStateTest, ARunThatWasResumedRunsAgain) {
  WrittenRun run = make();
  run.train(0, 10);
  run.end(Ending::interrupted, 10);
  run.age(1h);
  WrittenRun again(*files_, folder_ / "run", settings_);  // rewrites config.yaml, as a resume does first
  EXPECT_EQ(state().activity, Activity::running);
  again.train(10, 5);
  EXPECT_EQ(state().activity, Activity::running);
  run.age(1h);
  EXPECT_EQ(state().activity, Activity::silent);
  EXPECT_NEAR(state().silent_seconds, 3600.0, 5.0);
}

TEST_F(RunStateTest, SilenceIsMeasuredByTheRunsOwnPauses) {
  WrittenRun quick = make();
  quick.train(0, 100, 0.5);
  quick.age(100s);
  EXPECT_EQ(state().activity, Activity::running);  // less than a start may take
  quick.age(130s);
  EXPECT_EQ(state().activity, Activity::silent);
  std::filesystem::remove_all(folder_ / "run");
  WrittenRun slow = make();
  slow.train(0, 100, 60.0);
  slow.age(500s);
  EXPECT_EQ(state().activity, Activity::running);
  slow.age(700s);
  EXPECT_EQ(state().activity, Activity::silent);
  EXPECT_FALSE(state().seconds_left);
}

TEST_F(RunStateTest, ALockTellsWhereAndWhetherTheProcessLives) {
  WrittenRun run = make();
  run.train(0, 10);
  run.lock(lock_of_node7);
  const RunState running = state();
  EXPECT_EQ(running.activity, Activity::running);
  EXPECT_EQ(running.ranks, 8);
  ASSERT_TRUE(running.place);
  EXPECT_EQ(running.place->host, "node7");
  EXPECT_EQ(running.place->pid, 41);
  EXPECT_EQ(running.place->started, "2025-11-26T01:00:00Z");
  EXPECT_THAT(running.place->hosts, testing::ElementsAre("node7", "node8"));
  EXPECT_EQ(state(/*lives=*/false).activity, Activity::gone);
  EXPECT_EQ(state().activity, Activity::running);  // who looks from elsewhere cannot know
  run.age(1h);
  EXPECT_EQ(state().activity, Activity::silent);
  EXPECT_EQ(state(/*lives=*/false).activity, Activity::gone);
  EXPECT_EQ(state(/*lives=*/true).activity, Activity::silent);
}

TEST_F(RunStateTest, ALockThatIsRenewedIsASignOfLifeHoweverLongTheWorkPauses) {
  WrittenRun run = make();
  run.train(0, 10);
  run.age(1h);
  run.lock(lock_of_node7);
  for (const std::optional<bool> lives : {std::optional<bool>(), std::optional(true)}) {
    const RunState running = state(lives);
    EXPECT_EQ(running.activity, Activity::running);
    EXPECT_EQ(running.lives, lives);
    EXPECT_TRUE(running.late);
    EXPECT_NEAR(running.silent_seconds, 3600.0, 5.0) << "the lock says nothing of the work";
    EXPECT_LT(*running.beat_seconds, 5.0);
  }
}

TEST_F(RunStateTest, ALockThatIsNoLongerRenewedIsSilentThoughThePausesAreLong) {
  WrittenRun run = make();
  run.train(0, 100, 60.0);
  run.lock(lock_of_node7);
  run.age(100s);
  EXPECT_EQ(state().activity, Activity::running);  // NFS may show its times late
  run.age(130s);
  EXPECT_EQ(state().activity, Activity::silent);
  EXPECT_FALSE(state().late);
  EXPECT_NEAR(*state().beat_seconds, 130.0, 5.0);
}

TEST_F(RunStateTest, ALockThatIsNewerThanTheSummaryCounts) {
  WrittenRun run = make();
  run.train(0, 10);
  run.end(Ending::interrupted, 10);
  run.age(1h);
  run.lock(lock_of_node7);
  EXPECT_EQ(state().activity, Activity::running);
  EXPECT_EQ(state(/*lives=*/false).activity, Activity::gone);
}

TEST_F(RunStateTest, AnEndedRunsForgottenLockDoesNotCount) {
  WrittenRun run = make();
  run.train(0, 10);
  run.lock(lock_of_node7);
  run.age(10s);
  run.end(Ending::completed, 10);
  EXPECT_EQ(state(/*lives=*/false).activity, Activity::completed);
  EXPECT_FALSE(state().place);
}

TEST_F(RunStateTest, ALockMayLackAnything) {
  WrittenRun run = make();
  for (const char* text : {"", "{", "[]", "{}", R"({"host": 3, "pid": "x", "hosts": "y", "ranks": null})",
                           R"({"host": "node7"})", R"({"pid": 42})"}) {
    run.lock(text);
    EXPECT_EQ(state().activity, Activity::running) << text;
  }
}

TEST_F(RunStateTest, CheckpointsWithTheirAge) {
  WrittenRun run = make();
  RunFolder folder = run.folder();
  folder.save_checkpoint(sample_checkpoint(100));
  folder.mark_best(100);
  run.age(240s);
  folder.save_checkpoint(sample_checkpoint(200));
  const RunState running = state();
  EXPECT_EQ(running.latest->step, 200);
  EXPECT_EQ(running.best->step, 100);
  EXPECT_NEAR(running.best->age_seconds, 240.0, 5.0);
  EXPECT_LT(running.latest->age_seconds, 60.0);
  EXPECT_EQ(running.ranks, 2);  // of the checkpoint, as nothing else tells
  std::filesystem::resize_file(folder.checkpoint_file(200), 100);
  EXPECT_EQ(state().ranks, 0);
}

TEST_F(RunStateTest, TheBestValidationIsTheFirstOfTheLowest) {
  WrittenRun run = make();
  for (const auto& [step, loss] :
       {std::pair{100, 5.0}, std::pair{200, 3.0}, std::pair{300, 3.0}, std::pair{400, 4.0}}) {
    run.validate(step, loss);
  }
  run.validate(500, std::nan(""));
  const History history = state().history;
  EXPECT_EQ((*history.best())["step"], 200);
  EXPECT_EQ(history.validations.back()["step"], 500);
  EXPECT_EQ(history.steps_done, 500);
  EXPECT_TRUE(std::isnan(number_of(*history.best(), "validation_instrument_recall")));
}

}  // namespace
}  // namespace causalfm::run
