#include "causalfm/comm/watchdog.hpp"

#include "comm/child_process.hpp"
#include "comm/watched_rank.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// All ranks of a job as watchdogs of this process, connected.
class Watchdogs : public testing::Test {
 protected:
  void start(int64_t world_size, const Watchdog::Timing& timing = quick()) {
    const std::string job = new_job();
    for (int64_t rank = 0; rank < world_size; ++rank) {
      ranks_.push_back(std::make_unique<Rank>(job, rank, world_size, timing));
    }
    const std::string invitation = rank(0)->invitation();
    for (int64_t other = 1; other < world_size; ++other) rank(other)->join(invitation);
    std::this_thread::sleep_for(200ms);  // for the connections
    for (const auto& each : ranks_) (*each)->started(call(0));
  }

  Rank& rank(int64_t number) { return *ranks_[number]; }

  /// Every rank's failure, told at once; what they agreed on.
  std::vector<Verdict> agree(const std::vector<std::pair<Failure, bool>>& failures) {
    std::vector<Verdict> verdicts(failures.size());
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < failures.size(); ++i) {
      threads.emplace_back(
          [&, i] { verdicts[i] = rank(static_cast<int64_t>(i))->agree(failures[i].first, failures[i].second); });
    }
    threads.clear();
    return verdicts;
  }

  std::vector<std::string> all_said() {
    std::vector<std::string> said;
    for (const auto& rank : ranks_) {
      for (const std::string& sentence : rank->said()) said.push_back(sentence);
    }
    return said;
  }

  std::vector<std::unique_ptr<Rank>> ranks_;
};

TEST_F(Watchdogs, OneRanksExceptionReachesAllWithItsSentenceAndCode) {
  start(4);
  std::vector<Verdict> verdicts(4);
  std::vector<std::jthread> threads;
  for (const int64_t number : {0, 1, 2, 3}) {
    threads.emplace_back([&, number] {
      if (number == 2) {
        verdicts[2] = rank(2)->agree({2, 3, "a broken shard"}, false);
        return;
      }
      ASSERT_TRUE(eventually([&] { return rank(number)->failure().has_value(); }, 1.0));
      const Failure failure = *rank(number)->failure();
      EXPECT_EQ(failure.rank, 2);
      EXPECT_EQ(failure.exit_code, 3);
      EXPECT_EQ(failure.sentence, "a broken shard");
      verdicts[number] = rank(number)->agree({number, 4, "barrier ended because rank 2 failed"}, true);
    });
  }
  threads.clear();
  for (const Verdict& verdict : verdicts) {
    EXPECT_EQ(verdict.exit_code, 3);
    EXPECT_EQ(verdict.sentence, "rank 2: a broken shard");
    EXPECT_TRUE(verdict.everyone);
    EXPECT_TRUE(verdict.reachable);
  }
  EXPECT_THAT(all_said(), ElementsAre("rank 2: a broken shard"));
}

TEST_F(Watchdogs, WhatAllMeetIsSaidOnceWithoutARank) {
  start(3);
  const auto verdicts =
      agree({{{0, 2, "a wrong key"}, false}, {{1, 2, "a wrong key"}, false}, {{2, 2, "a wrong key"}, false}});
  for (const Verdict& verdict : verdicts) {
    EXPECT_EQ(verdict.exit_code, 2);
    EXPECT_TRUE(verdict.everyone);
  }
  EXPECT_THAT(all_said(), ElementsAre("a wrong key"));
}

TEST_F(Watchdogs, ABusyRankIsWaitedForNoLongerThanPatience) {
  start(3);
  const auto start = std::chrono::steady_clock::now();
  const auto verdicts = agree({{{0, 4, "ended"}, true}, {{1, 6, "the disk is full"}, false}});  // rank 2 computes on
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
  EXPECT_GT(std::chrono::steady_clock::now() - start, 800ms);
  EXPECT_EQ(verdicts[0].exit_code, 6);
  EXPECT_FALSE(verdicts[0].everyone);
  EXPECT_TRUE(rank(2)->failure());
  EXPECT_EQ(rank(2)->agree({2, 4, "ended"}, true).exit_code, 6);
  EXPECT_THAT(all_said(), ElementsAre("rank 1: the disk is full"));
}

TEST_F(Watchdogs, AnOrderlyEndIsNoFailure) {
  start(3);
  ranks_[2].reset();
  ranks_.pop_back();
  std::this_thread::sleep_for(300ms);
  EXPECT_FALSE(rank(0)->failure());
  EXPECT_FALSE(rank(1)->failure());
  EXPECT_THAT(all_said(), IsEmpty());
}

TEST_F(Watchdogs, RankZeroMayEndFirst) {
  start(3);
  ranks_[0].reset();
  std::this_thread::sleep_for(300ms);
  EXPECT_FALSE(rank(1)->failure());
  ranks_.erase(ranks_.begin());
  EXPECT_THAT(all_said(), IsEmpty());
}

TEST_F(Watchdogs, WhoComesNoFurtherIsNamed) {
  start(3);
  for (const int64_t number : {0, 1, 2}) rank(number)->announce(Phase::step, 40);
  for (const int64_t number : {0, 1}) rank(number)->started(call(7));
  for (const int64_t number : {0, 1}) {
    EXPECT_TRUE(eventually([&] { return !rank(number)->missing(call(7)).empty(); })) << number;
    EXPECT_EQ(rank(number)->missing(call(7)), "rank 2 on node7, in step 40, at barrier (collective 0)");
  }
  rank(2)->started(call(7));
  EXPECT_TRUE(eventually([&] { return rank(1)->missing(call(7)).empty(); }));
}

TEST_F(Watchdogs, TheLastResortEndsAProcessThatLivesOn) {
  Watchdog::Timing timing = quick();
  timing.last_resort = 500ms;
  start(2, timing);
  std::jthread failing([&] { rank(1)->agree({1, 3, "a broken shard"}, false); });
  EXPECT_TRUE(eventually([&] { return rank(0).left() == std::vector<int>{3}; }, 8.0));
  failing.join();
  EXPECT_THAT(all_said(), ElementsAre("rank 1: a broken shard"));
}

TEST(WatchdogAlone, AGuardThatIsReleasedInTimeDoesNothing) {
  Rank rank(new_job(), 0, 2);
  { const auto guard = rank->cover("MPI_Init", 100ms); }
  std::this_thread::sleep_for(400ms);
  EXPECT_THAT(rank.left(), IsEmpty());
}

TEST(WatchdogAlone, AGuardThatIsNotEndsTheProcessAndOneRankSaysWhy) {
  const std::string job = new_job();
  Rank zero(job, 0, 3);
  Rank one(job, 1, 3);
  std::atomic<int> aborts = 0;
  for (Rank* rank : {&zero, &one}) (*rank)->set_abort([&](int code) { aborts += code; });
  const auto start = std::chrono::steady_clock::now();
  const auto first = zero->cover("MPI_Init", 300ms);
  const auto second = one->cover("MPI_Init", 300ms);
  EXPECT_TRUE(eventually([&] { return !zero.left().empty() && !one.left().empty(); }));
  EXPECT_GT(std::chrono::steady_clock::now() - start, 300ms);
  EXPECT_THAT(zero.left(), ElementsAre(4));
  EXPECT_THAT(one.left(), ElementsAre(4));
  EXPECT_EQ(aborts, 4);
  ASSERT_EQ(zero.said().size() + one.said().size(), 1U);
  EXPECT_THAT((zero.said().empty() ? one : zero).said()[0],
              AllOf(HasSubstr("MPI_Init on rank"), HasSubstr("did not end within 0.3 s"),
                    HasSubstr("local number 2 on node7, which has not started")));
}

TEST(WatchdogAlone, AnAbortThatHangsIsNotWaitedForLong) {
  Rank rank(new_job(), 0, 2);
  std::atomic<bool> let_go = false;
  rank->set_abort([&](int) {
    while (!let_go) std::this_thread::sleep_for(10ms);
  });
  const auto guard = rank->cover("MPI_Finalize", 100ms);
  EXPECT_TRUE(eventually([&] { return !rank.left().empty(); }));
  let_go = true;
  std::this_thread::sleep_for(50ms);
}

TEST(WatchdogAlone, WithoutConnectionsOneSpeaksAndAbortIsLeft) {
  const std::string job = new_job();
  Rank zero(job, 0, 2);
  Rank one(job, 1, 2);
  for (Rank* rank : {&zero, &one}) {
    const Verdict verdict = (*rank)->agree({0, 3, "a broken shard"}, false);
    EXPECT_EQ(verdict.exit_code, 3);
    EXPECT_FALSE(verdict.reachable);
  }
  EXPECT_THAT(zero.said(), ElementsAre("rank 0: a broken shard"));
  EXPECT_THAT(one.said(), IsEmpty());
}

}  // namespace
}  // namespace causalfm::comm
