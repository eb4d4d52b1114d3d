#include "training/profile.hpp"

#include "causalfm/comm/backends.hpp"
#include "spoiled_training.hpp"
#include "training/profile_report.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace causalfm::training {
namespace {

using testing::HasSubstr;
using Kind = Span::Kind;

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST(Profile, SublayersFollowOneAnotherInsideTheirScope) {
  const auto alone = comm::make_single();
  Profile profile(*alone, c10::kCPU);
  {
    const Profile::Scope scope(&profile, "forward");
    profile.observe("one", {});
    profile.observe("two", {});
  }
  ASSERT_EQ(profile.spans().size(), 3u);
  const Span &one = profile.spans()[0], &two = profile.spans()[1], &forward = profile.spans()[2];
  EXPECT_EQ(one.begin, forward.begin);
  EXPECT_EQ(two.begin, one.end);
  EXPECT_LE(two.end, forward.end);
  EXPECT_EQ(forward.name, "forward");
  EXPECT_EQ(two.kind, Kind::sublayer);
}

TEST(Profile, WhatThrowsIsNotKept) {
  const auto alone = comm::make_single();
  Profile profile(*alone, c10::kCPU);
  try {
    const Profile::Scope scope(&profile, "loss");
    throw std::runtime_error("lost");
  } catch (const std::runtime_error&) {
  }
  EXPECT_TRUE(profile.spans().empty());
  const Profile::Scope nowhere(nullptr, "loss");
}

/// Two steps of a rank: 2 ms of forward, 1 ms of loss of which half is waiting, 3 ms of which 1 waits, 1 ms of rest.
std::vector<Span> two_steps() {
  std::vector<Span> spans;
  for (const double start : {0.0, 1.0}) {
    const auto add = [&](Kind kind, const std::string& name, double begin, double end, double waited = 0.0) {
      spans.push_back({kind, name, start + begin, start + end, waited});
    };
    add(Kind::sublayer, "encoder", 0.0, 0.0015);
    add(Kind::sublayer, "decoder", 0.0015, 0.002);
    add(Kind::phase, "forward", 0.0, 0.002);
    add(Kind::phase, "loss", 0.002, 0.003, 0.0005);
    add(Kind::reduction, "gradients under way", 0.004, 0.005);
    add(Kind::phase, "gradient reduction", 0.003, 0.006, 0.001);
    add(Kind::step, "step", 0.0, 0.007, 0.0015);
  }
  return spans;
}

TEST(ProfileReport, TablesAreMeansAStep) {
  const std::string tables = profile_tables({two_steps(), two_steps()});
  for (const char* line :
       {"# Profile of 2 steps on 2 ranks\n", "| forward | 2.000 | 28.6 % | 0.000 |\n",
        "| loss | 1.000 | 14.3 % | 0.500 |\n", "| gradient reduction | 3.000 | 42.9 % | 1.000 |\n",
        "| rest | 1.000 | 14.3 % | 0.000 |\n", "| whole step | 7.000 | 100.0 % | 1.500 |\n",
        "1.500 ms a step exposed; hidden, gradients under way while backward goes on: at most 1.000 ms",
        "| encoder | 1.500 | 75.0 % |\n", "| 1 | 2.000 | 1.000 | 3.000 | 1.000 | 7.000 | 1.500 | 1.000 |\n"}) {
    EXPECT_THAT(tables, HasSubstr(line));
  }
}

TEST(ProfileReport, SpansSurviveAsText) {
  const std::vector<Span> spans = two_steps();
  const std::vector<Span> back = to_spans(to_text(spans));
  ASSERT_EQ(back.size(), spans.size());
  for (size_t i = 0; i < spans.size(); ++i) {
    EXPECT_EQ(back[i].kind, spans[i].kind);
    EXPECT_EQ(back[i].name, spans[i].name);
    EXPECT_EQ(back[i].begin, spans[i].begin);
    EXPECT_EQ(back[i].end, spans[i].end);
    EXPECT_EQ(back[i].waited, spans[i].waited);
  }
}

class ProfiledTraining : public SpoiledTraining {};

TEST_F(ProfiledTraining, WritesEveryRanksSpansAndChangesNoNumber) {
  const auto profiled = [](config::Config& settings) {
    settings.train.profile_steps = 4;
    settings.train.steps = 10;
    settings.train.micro_batch = 2;
  };
  train_into("profiled", profiled, never, 3);
  train_into(
      "plain",
      [&](config::Config& settings) {
        profiled(settings);
        settings.train.profile_steps = 0;
      },
      never, 3);
  expect_same_bits(latest("plain"), latest("profiled"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "plain/profile.json"));

  const auto trace = nlohmann::json::parse(text_of(folder_ / "profiled/profile.json"));
  std::map<int, std::vector<std::string>> steps;
  std::set<std::string> names;
  double forward = 0.0, sublayers = 0.0;
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    const std::string name = event["name"];
    if (name.starts_with("step ")) steps[event["pid"]].push_back(name);
    names.insert(name);
    EXPECT_GE(event["dur"].get<double>(), 0.0);
    const bool phase = name == "forward";
    const bool sublayer = name == "flux" || name.find("encoder, ") != std::string::npos ||
                          name.find("projection, ") != std::string::npos || name.starts_with("decoder, ");
    if (event["pid"] == 0 && phase) forward += event["dur"].get<double>();
    if (event["pid"] == 0 && sublayer) sublayers += event["dur"].get<double>();
  }
  ASSERT_EQ(steps.size(), 3u);
  for (const auto& [rank, of_rank] : steps) {
    EXPECT_EQ(of_rank, (std::vector<std::string>{"step 3", "step 4", "step 5", "step 6"})) << rank;
  }
  for (const char* name : {"data wait", "forward", "loss", "backward", "gradient reduction", "optimizer",
                           "gradients under way", "star encoder, block 0, lstm"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_LE(sublayers, forward);
  EXPECT_GT(sublayers, 0.5 * forward);
  EXPECT_THAT(text_of(folder_ / "profiled/profile.md"), HasSubstr("# Profile of 4 steps on 3 ranks"));
}

TEST_F(ProfiledTraining, ThatEndsEarlyWritesWhatThereIs) {
  train_into(
      "run",
      [](config::Config& settings) {
        settings.train.profile_steps = 100;
        settings.train.steps = 5;
      },
      never);
  EXPECT_THAT(text_of(folder_ / "run/profile.md"), HasSubstr("# Profile of 2 steps on 2 ranks"));
}

}  // namespace
}  // namespace causalfm::training
