#include "causalfm/sweep/local_jobs.hpp"

#include "storage/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace causalfm::sweep {
namespace {

TEST(LocalJobs, TellsHowACommandEnded) {
  const storage::TemporaryFolder folder;
  const std::atomic<bool> stop = false;
  const auto run = [&](const std::string& script) {
    return run_command({{"/bin/sh", "-c", script}, {"WORD=said"}, folder.path() / "output"}, {}, stop);
  };
  EXPECT_EQ(run("exit 0").code, 0);
  const Ended failed = run("echo causalfm: first; echo causalfm: $WORD >&2; echo later; exit 5");
  EXPECT_EQ(failed.code, 5);
  EXPECT_EQ(failed.sentence, "said");
  const Ended silent = run("exit 3");
  EXPECT_EQ(silent.sentence, "") << "what another command said is not its sentence";
  const Ended killed = run("kill -9 $$");
  EXPECT_EQ(killed.code, 137);
  EXPECT_NE(killed.sentence.find("signal 9"), std::string::npos);
  EXPECT_EQ(run_command({{"/does/not/exist"}, {}, folder.path() / "output"}, {}, stop).code, 127);
  EXPECT_EQ(run_command({{"/bin/true"}, {}, folder.path() / "no" / "output"}, {}, stop).code, 127);
}

TEST(LocalJobs, AStopIsPassedOnOnceAndWaitedFor) {
  const storage::TemporaryFolder folder;
  std::atomic<bool> stop = false;
  const std::jthread stopper([&] {
    while (!std::filesystem::exists(folder.path() / "ready")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    stop = true;
  });
  const std::string script = "trap 'echo term; sleep 0.3; exit 75' TERM; touch " + (folder.path() / "ready").string() +
                             "; while :; do sleep 0.05; done";
  const Ended ended = run_command({{"/bin/sh", "-c", script}, {}, folder.path() / "output"}, {}, stop);
  EXPECT_EQ(ended.code, 75);
  std::ifstream output(folder.path() / "output");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(output), {}), "term\n");
}

TEST(LocalJobs, EveryTaskRunsOnceAndNoMoreThanAskedForAtATime) {
  std::atomic<bool> stop = false;
  std::mutex mutex;
  std::multiset<int64_t> seen;
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  for_each_task(20, 3, stop, [&](int64_t task, const std::vector<int>& cores) {
    EXPECT_FALSE(cores.empty());
    most = std::max(most.load(), ++running);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    --running;
    const std::lock_guard lock(mutex);
    seen.insert(task);
  });
  EXPECT_EQ(seen.size(), 20U);
  EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 20U);
  EXPECT_LE(most, 3);
}

TEST(LocalJobs, WhatATaskThrowsStopsTheOthers) {
  std::atomic<bool> stop = false;
  std::atomic<int> started = 0;
  EXPECT_THROW(for_each_task(1000, 2, stop,
                             [&](int64_t, const std::vector<int>&) {
                               if (++started == 3) throw std::runtime_error("full");
                               std::this_thread::sleep_for(std::chrono::milliseconds(1));
                             }),
               std::runtime_error);
  EXPECT_LT(started, 20);
}

TEST(LocalJobs, CoresAreDividedWithoutRest) {
  const std::vector<int> all = divide_cores(1).front();
  for (const int64_t jobs : {1, 2, 3, 7}) {
    const auto divided = divide_cores(jobs);
    ASSERT_EQ(divided.size(), static_cast<std::size_t>(jobs));
    std::multiset<int> used;
    for (const auto& cores : divided) {
      EXPECT_FALSE(cores.empty());
      used.insert(cores.begin(), cores.end());
    }
    if (jobs > static_cast<int64_t>(all.size())) continue;
    EXPECT_EQ(used, std::multiset<int>(all.begin(), all.end()));
  }
}

}  // namespace
}  // namespace causalfm::sweep
