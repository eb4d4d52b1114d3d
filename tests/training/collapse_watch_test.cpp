#include "training/collapse_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace causalfm::training {
namespace {

/// What is said about validations with these ranks of the two spaces, after 10, 20, ... steps.
std::vector<std::string> said(double bound, const std::vector<double>& star, const std::vector<double>& instrument) {
  std::ostringstream text;
  spdlog::logger log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
  log.set_pattern("%v");
  CollapseWatch watch(bound, log);
  for (size_t i = 0; i < star.size(); ++i) {
    ValidationResult result;
    result.star.effective_rank = star[i];
    result.instrument.effective_rank = instrument[i];
    watch.look(result, 10 * static_cast<int64_t>(i + 1));
  }
  std::istringstream lines(text.str());
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);) found.push_back(line.substr(0, line.find(" collapses")));
  return found;
}

constexpr double none = std::numeric_limits<double>::quiet_NaN();

TEST(CollapseWatch, WarnsOnceForEachFall) {
  EXPECT_THAT(said(2.0, {1.3, 2.5, 1.9, 1.2, 2.0, 1.1}, {5, 5, 5, 5, 5, 5}),
              testing::ElementsAre("step 30: the space of stars", "step 60: the space of stars"));
  EXPECT_THAT(said(2.0, {3, 1}, {3, 1}),
              testing::ElementsAre("step 20: the space of stars", "step 20: the space of instruments"));
}

TEST(CollapseWatch, IsSilentAtTheStartWithoutALatentAndWhenOff) {
  EXPECT_TRUE(said(2.0, {1.0, 1.1, 1.2}, {none, none, none}).empty());
  EXPECT_TRUE(said(0.0, {3.0, 1.0, 0.0}, {3.0, 0.0, 1.0}).empty());
}

}  // namespace
}  // namespace causalfm::training
