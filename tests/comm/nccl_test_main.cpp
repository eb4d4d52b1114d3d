#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// Ends the program where a test hangs, as a broken backend may make it do.
class TimeLimit : public testing::EmptyTestEventListener {
 public:
  TimeLimit() : watch_([this](const std::stop_token& stop) { watch(stop); }) {}

 private:
  void OnTestStart(const testing::TestInfo&) override { end_ = (Clock::now() + 60s).time_since_epoch().count(); }
  void OnTestEnd(const testing::TestInfo&) override { end_ = Clock::duration::max().count(); }

  void watch(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(100ms);
      if (Clock::now().time_since_epoch().count() < end_) continue;
      std::fputs("a test has hung for 60 s\n", stderr);
      _exit(1);
    }
  }

  std::atomic<Clock::rep> end_ = Clock::duration::max().count();
  std::jthread watch_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  at::set_num_threads(1);
  testing::UnitTest::GetInstance()->listeners().Append(new TimeLimit);
  return RUN_ALL_TESTS();
}
