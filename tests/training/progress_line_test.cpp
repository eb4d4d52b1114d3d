#include "training/progress_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <sstream>
#include <string>

namespace causalfm::training {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class ProgressLineTest : public testing::Test {
 protected:
  ProgressLineTest() { log_.set_pattern("%v"); }

  ProgressLine make(std::ostream* terminal, int64_t steps) {
    return ProgressLine(log_, terminal, steps, [this] { return now_; });
  }

  /// `count` steps of equal time from `first` on.
  void take_steps(ProgressLine& line, int64_t first, int64_t count, ProgressLine::Clock::duration duration,
                  StepTime time = {}, Losses losses = {}) {
    time.seconds = std::chrono::duration<double>(duration).count();
    for (int64_t step = first; step < first + count; ++step) {
      now_ += duration;
      line.show(step + 1, losses, time);
    }
  }

  std::size_t lines_logged() const {
    const std::string text = logged_.str();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  std::ostringstream terminal_;
  std::ostringstream logged_;
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(logged_)};
  ProgressLine::Clock::time_point now_;
};

TEST_F(ProgressLineTest, ShowsLossesRateWaitsAndTimeLeft) {
  ProgressLine line = make(&terminal_, 1000);
  // A tenth of a step is waited for data, a quarter for ranks; 300 curves in half a second; 990 steps to go: 8 min 15
  // s.
  take_steps(line, 0, 10, 500ms, {0.0, 300, 0.05, 0.125}, {5.1234, 0.0456, 3.21, 1.89});
  const std::string shown = terminal_.str();
  EXPECT_EQ(shown.substr(shown.rfind('\r')),
            "\r10/1000 loss 5.123 mse 0.046 star 3.210 instrument 1.890, 600 curves/s, data 10% ranks 25%, 8 min "
            "left\x1b[K");
  EXPECT_EQ(logged_.str(), "");
}

TEST_F(ProgressLineTest, SharesAreOfAllStepsSinceTheLineBefore) {
  ProgressLine line = make(&terminal_, 1000);
  take_steps(line, 0, 1, 1s, {0.0, 10, 0.0, 0.0});
  terminal_.str("");
  take_steps(line, 1, 1, 50ms, {0.0, 10, 0.05, 0.0});  // not shown yet
  EXPECT_EQ(terminal_.str(), "");
  take_steps(line, 2, 1, 150ms, {0.0, 10, 0.0, 0.15});
  EXPECT_THAT(terminal_.str(), HasSubstr("100 curves/s, data 25% ranks 75%"));
}

TEST_F(ProgressLineTest, FitsInto110Columns) {
  for (const int64_t steps : {10, 10'000, 999'999, 99'999'999}) {
    for (const double loss : {0.0, 0.99999, 9.9999, 99.999, 999.99, 12345.0}) {
      for (const auto duration : {1ms, 990ms, 59'999ms, 3'600'000ms}) {
        for (const int64_t curves : {int64_t{0}, int64_t{196608}, int64_t{100'000'000}}) {
          terminal_.str("");
          now_ = {};
          const int64_t done = std::max<int64_t>(steps - 4000, 2);
          ProgressLine line = make(&terminal_, steps);
          now_ += 1s;
          const double seconds = std::chrono::duration<double>(duration).count();
          line.show(done - 1, {loss, loss, loss, loss}, {seconds, curves, 0.12 * seconds, 0.88 * seconds});
          now_ += std::max<ProgressLine::Clock::duration>(duration, 200ms);
          line.show(done, {loss, loss, loss, loss}, {seconds, curves, 0.12 * seconds, 0.88 * seconds});
          std::string shown = terminal_.str();
          shown = shown.substr(shown.rfind('\r') + 1);
          shown.erase(shown.find("\x1b[K"));
          EXPECT_LE(shown.size(), 110U) << shown;
          const bool usual = steps < 1'000'000 && loss < 1000.0 && curves < 100'000'000;
          EXPECT_TRUE(!usual || shown.ends_with(" left")) << shown;
        }
      }
    }
  }
}

TEST_F(ProgressLineTest, ATerminalIsRedrawnFiveTimesASecondAtMost) {
  ProgressLine line = make(&terminal_, 100'000);
  take_steps(line, 0, 10'000, 1ms);
  const std::string shown = terminal_.str();
  EXPECT_EQ(std::count(shown.begin(), shown.end(), '\r'), 50);
  EXPECT_EQ(std::count(shown.begin(), shown.end(), '\n'), 0);
}

TEST_F(ProgressLineTest, ALogIsNotFlooded) {
  ProgressLine line = make(nullptr, 100'000'000);
  take_steps(line, 0, 19, 1s);
  EXPECT_EQ(lines_logged(), 0U);
  take_steps(line, 19, 1, 1s);
  EXPECT_EQ(lines_logged(), 1U);
  EXPECT_THAT(logged_.str(), testing::StartsWith("step 20/100000000 loss 0.000"));
  EXPECT_THAT(logged_.str(), testing::Not(HasSubstr("\r")));

  const int64_t month = 30 * 24 * 3600;
  take_steps(line, 20, month, 1s);
  // Every 20 s up to 2,000 s, then each hundredth of the time so far up to 50 h, then every half an hour.
  const double expected = 100.0 + std::log(180'000.0 / 2'000.0) / std::log(1.01) + (720.0 - 50.0) * 2.0;
  EXPECT_NEAR(static_cast<double>(lines_logged()), expected, 0.05 * expected);
}

TEST_F(ProgressLineTest, ClearingMakesRoomForTheLog) {
  {
    ProgressLine line = make(&terminal_, 10);
    line.clear();
    EXPECT_EQ(terminal_.str(), "\r\x1b[K");
  }
  EXPECT_EQ(terminal_.str(), "\r\x1b[K\r\x1b[K");
}

TEST(DurationText, TwoUnits) {
  EXPECT_EQ(duration_text(12.4), "12 s");
  EXPECT_EQ(duration_text(200.0), "3 min 20 s");
  EXPECT_EQ(duration_text(7500.0), "2 h 05 min");
}

}  // namespace
}  // namespace causalfm::training
