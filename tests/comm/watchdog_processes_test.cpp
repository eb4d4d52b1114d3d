#include "causalfm/comm/watchdog.hpp"

#include "comm/child_process.hpp"
#include "comm/watched_rank.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

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
