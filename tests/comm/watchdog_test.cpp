#include "causalfm/comm/watchdog.hpp"

#include "comm/child_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <mutex>
#include <vector>

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Watchdog::Timing quick() {
  Watchdog::Timing timing;
  timing.deadline = 20s;
  timing.heartbeat = 50ms;
  timing.noticeable = 500ms;
  timing.patience = 1s;
  timing.last_resort = 20s;
  timing.abort = 500ms;
  return timing;
}

std::string new_job() {
  static int jobs = 0;
  return "watchdog-test-" + std::to_string(::getpid()) + "-" + std::to_string(jobs++);
}

Call call(int64_t number) { return {Collective::barrier, "barrier", 0, number}; }

/// A watchdog, and what it asked of its program.
class Rank {
 public:
  Rank(const std::string& job, int64_t rank, int64_t world_size, const Watchdog::Timing& timing = quick())
      : Rank(Place{job, rank, world_size, rank, world_size, "node7"}, timing) {}

  explicit Rank(const Place& place, const Watchdog::Timing& timing = quick())
      : watchdog_(
            place,
            {[this](const std::string& sentence) { keep(said_, sentence); },
             [this](const std::string& sentence) { keep(warned_, sentence); }, [this](int code) { keep(left_, code); }},
            timing) {}

  Watchdog* operator->() { return &watchdog_; }
  std::vector<std::string> said() const { return copy(said_); }
  std::vector<std::string> warned() const { return copy(warned_); }
  std::vector<int> left() const { return copy(left_); }

 private:
  template <typename Value>
  void keep(std::vector<Value>& list, const Value& value) {
    const std::lock_guard lock(mutex_);
    list.push_back(value);
  }
  template <typename Value>
  std::vector<Value> copy(const std::vector<Value>& list) const {
    const std::lock_guard lock(mutex_);
    return list;
  }

  mutable std::mutex mutex_;
  std::vector<std::string> said_;
  std::vector<std::string> warned_;
  std::vector<int> left_;
  Watchdog watchdog_;  // last: its thread uses the others
};

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

/// Ranks 0 and 1 here, or 1 and 2; one more in a process of its own, which can be stopped and killed.
class WatchdogOfAnotherProcess : public testing::Test {
 protected:
  void start(int64_t child_rank, const Watchdog::Timing& timing = quick()) {
    const std::string job = new_job();
    child_ = std::make_unique<ChildProcess>([&, job](ChildProcess::Pipe& pipe) {
      Rank rank(job, child_rank, 3, timing);
      if (child_rank == 0) {
        pipe.say(rank->invitation());
      } else {
        rank->join(pipe.hear());
      }
      rank->announce(Phase::step, 40);
      rank->started(call(7));
      ::pause();
    });
    for (const int64_t rank : {0, 1, 2}) {
      if (rank != child_rank) ranks_.push_back(std::make_unique<Rank>(job, rank, 3, timing));
    }
    if (child_rank == 0) {
      const std::string invitation = child_->hear();
      for (const auto& rank : ranks_) (*rank)->join(invitation);
    } else {
      const std::string invitation = (*ranks_[0])->invitation();
      (*ranks_[1])->join(invitation);
      child_->say(invitation);
    }
    for (const auto& rank : ranks_) (*rank)->started(call(8));
    for (const auto& rank : ranks_) (*rank)->announce(Phase::step, 41);
    std::this_thread::sleep_for(300ms);
  }

  /// Both see the failure soon; they agree and leave with 4; one speaks.
  std::string end_with_4() {
    for (const auto& rank : ranks_) {
      EXPECT_TRUE(eventually([&] { return (*rank)->failure().has_value(); }, 3.0));
    }
    std::vector<std::jthread> threads;
    for (const auto& rank : ranks_) {
      threads.emplace_back([&rank] { EXPECT_EQ((*rank)->agree({0, 4, "an echo"}, true).exit_code, 4); });
    }
    threads.clear();
    std::vector<std::string> said;
    for (const auto& rank : ranks_) {
      for (const std::string& sentence : rank->said()) said.push_back(sentence);
    }
    EXPECT_EQ(said.size(), 1U) << testing::PrintToString(said);
    return said.empty() ? "" : said.front();
  }

  std::unique_ptr<ChildProcess> child_;
  std::vector<std::unique_ptr<Rank>> ranks_;
};

TEST_F(WatchdogOfAnotherProcess, DeathIsKnownAtOnce) {
  start(2);
  const auto start = std::chrono::steady_clock::now();
  child_->signal(SIGKILL);
  const std::string sentence = end_with_4();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  EXPECT_THAT(sentence, AllOf(HasSubstr("rank 2 on node7 died"), HasSubstr("in step 40, at barrier (collective 7)"),
                              HasSubstr("rank 0 on node7 was in step 41, at barrier (collective 8)")));
}

TEST_F(WatchdogOfAnotherProcess, DeathOfRankZeroIsKnownAtOnce) {
  start(0);
  const auto start = std::chrono::steady_clock::now();
  child_->signal(SIGKILL);
  const std::string sentence = end_with_4();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  EXPECT_THAT(sentence, AllOf(HasSubstr("rank 0 on node7 died"), HasSubstr("in step 40, at barrier (collective 7)")));
}

TEST_F(WatchdogOfAnotherProcess, SilenceIsWarnedOfAndForgotten) {
  Watchdog::Timing timing = quick();
  timing.warning = 600ms;
  start(2, timing);
  child_->signal(SIGSTOP);
  EXPECT_TRUE(eventually([&] { return !(*ranks_[1])->missing(call(7)).empty(); }));
  EXPECT_THAT((*ranks_[1])->missing(call(7)),
              testing::MatchesRegex("rank 2 on node7, silent for .* s, last known in step 40, at barrier .*"));
  ASSERT_TRUE(eventually([&] { return ranks_[0]->warned().size() == 1; }));
  EXPECT_THAT(ranks_[0]->warned()[0], HasSubstr("rank 2 on node7, silent for"));
  child_->signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return (*ranks_[1])->missing(call(7)).empty(); }));
  EXPECT_FALSE((*ranks_[0])->failure());
  EXPECT_FALSE((*ranks_[1])->failure());
}

TEST_F(WatchdogOfAnotherProcess, SilenceBeyondTheDeadlineIsAFailure) {
  Watchdog::Timing timing = quick();
  timing.deadline = 1s;
  start(2, timing);
  child_->signal(SIGSTOP);
  EXPECT_THAT(end_with_4(),
              AllOf(HasSubstr("rank 2 on node7 has been silent for"), HasSubstr("in step 40, at barrier")));
}

TEST_F(WatchdogOfAnotherProcess, SilenceOfRankZeroBeyondTheDeadlineIsAFailure) {
  Watchdog::Timing timing = quick();
  timing.deadline = 1s;
  start(0, timing);
  child_->signal(SIGSTOP);
  EXPECT_THAT(end_with_4(), HasSubstr("rank 0 on node7 has been silent for"));
}

TEST_F(WatchdogOfAnotherProcess, AGuardEndsSoonAfterADeath) {
  start(2);
  const auto guard = (*ranks_[1])->cover("MPI_Finalize", 60s);
  child_->signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return !ranks_[1]->left().empty(); }, 5.0));
  EXPECT_THAT(ranks_[1]->left(), ElementsAre(4));
}

TEST_F(WatchdogOfAnotherProcess, AGuardMayWaitForTheWorkOfTheLiving) {
  start(2);
  (*ranks_[1])->announce(Phase::ending, 41);
  (*ranks_[0])->announce(Phase::ending, 41);
  const auto guard = (*ranks_[1])->cover("MPI_Finalize", 600ms, Watchdog::Patience::for_the_living);
  std::this_thread::sleep_for(1200ms);
  EXPECT_THAT(ranks_[1]->left(), IsEmpty()) << "rank 2 is still in step 40";
  child_->signal(SIGSTOP);
  EXPECT_TRUE(eventually([&] { return !ranks_[1]->left().empty(); }, 8.0));
}

TEST(WatchdogOfTwoHosts, OneHostSpeaksWhenRankZeroDies) {
  const std::string job = new_job();
  ChildProcess child([&](ChildProcess::Pipe& pipe) {
    Rank rank(Place{job + "-0", 0, 4, 0, 1, "node0"});
    pipe.say(rank->invitation());
    ::pause();
  });
  const std::string invitation = child.hear();
  std::vector<std::unique_ptr<Rank>> ranks;
  ranks.push_back(std::make_unique<Rank>(Place{job + "-1", 1, 4, 0, 1, "node1"}));
  ranks.push_back(std::make_unique<Rank>(Place{job + "-2", 2, 4, 0, 2, "node2"}));
  ranks.push_back(std::make_unique<Rank>(Place{job + "-2", 3, 4, 1, 2, "node2"}));
  for (const auto& rank : ranks) (*rank)->join(invitation);
  std::this_thread::sleep_for(400ms);
  child.signal(SIGKILL);
  for (const auto& rank : ranks) {
    ASSERT_TRUE(eventually([&] { return (*rank)->failure().has_value(); }));
    EXPECT_EQ((*rank)->agree({0, 4, "an echo"}, true).exit_code, 4);
  }
  EXPECT_THAT(ranks[0]->said(), ElementsAre(HasSubstr("rank 0 on node0 died")));
  EXPECT_THAT(ranks[1]->said(), IsEmpty());
  EXPECT_THAT(ranks[2]->said(), IsEmpty());
}

TEST(WatchdogBeforeConnections, DeathOnThisHostIsKnown) {
  const std::string job = new_job();
  ChildProcess child([&](ChildProcess::Pipe& pipe) {
    Rank rank(job, 1, 2);
    pipe.say("there");
    ::pause();
  });
  Rank rank(job, 0, 2);
  const auto guard = rank->cover("MPI_Init", 60s);
  ASSERT_EQ(child.hear(), "there");
  std::this_thread::sleep_for(200ms);
  child.signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return !rank.left().empty(); }, 3.0));
  EXPECT_THAT(rank.left(), ElementsAre(4));
  EXPECT_THAT(rank.said(),
              ElementsAre(AllOf(HasSubstr("rank 1 on node7 died at the start"), HasSubstr("at MPI_Init"))));
}

}  // namespace
}  // namespace causalfm::comm
