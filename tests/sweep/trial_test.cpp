#include "causalfm/sweep/trial.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/sweep/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace causalfm::sweep {
namespace {

Description sweep(const std::string& method, const std::string& parameters, const std::string& rest = "") {
  return describe("base: b\nmethod: " + method + "\nparameters: " + parameters +
                      "\nobjective: validation_star_recall\ndirection: maximize\n" + rest,
                  "sweep.yaml", {});
}

TEST(Trials, AGridHasEveryCombinationOnEverySeed) {
  const auto trials = trials_of(
      sweep("grid", "{loss.temperature: [0.1, 0.2], model.block: [[attention, lstm], [lstm]]}", "seeds: [4, 5]"), "s");
  ASSERT_EQ(trials.size(), 8U);
  EXPECT_EQ(trials[0].name, "loss.temperature=0.1,model.block=attention+lstm,seed=4");
  EXPECT_EQ(trials[1].name, "loss.temperature=0.1,model.block=attention+lstm,seed=5");
  EXPECT_EQ(trials[7].name, "loss.temperature=0.2,model.block=lstm,seed=5");
  EXPECT_EQ(trials[7].config.loss.temperature, 0.2);
  EXPECT_EQ(trials[7].config.seed, 5);
  EXPECT_EQ(trials[7].setting, 3);
}

TEST(Trials, MoreTrialsKeepTheFormerOnes) {
  const std::string parameters = "{loss.temperature: {uniform: [0.1, 0.9]}, model.latent: {log_uniform: [4, 64]}}";
  const auto few = settings_of(sweep("random", parameters, "trials: 5"));
  const auto many = settings_of(sweep("random", parameters, "trials: 50"));
  EXPECT_EQ(few, std::vector(many.begin(), many.begin() + 5));
  EXPECT_NE(few, settings_of(sweep("random", parameters, "trials: 5\nsearch_seed: 2")));
}

TEST(Trials, AnotherParameterLeavesTheOthersDraws) {
  const auto one = settings_of(sweep("random", "{loss.temperature: {uniform: [0.1, 0.9]}}", "trials: 20"));
  const auto two = settings_of(
      sweep("random", "{model.dropout: {uniform: [0, 0.5]}, loss.temperature: {uniform: [0.1, 0.9]}}", "trials: 20"));
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i][0], two[i][1]);
}

TEST(Trials, DrawsAreInTheirRangesAndSpread) {
  const auto settings = settings_of(sweep("random",
                                          "{train.learning_rate: {log_uniform: [1.0e-4, 1.0e-2]}, model.latent: "
                                          "{uniform: [2, 5]}, model.dropout: {uniform: [0.0, 0.5]}}",
                                          "trials: 2000"));
  double logarithms = 0.0;
  double dropouts = 0.0;
  std::map<std::string, int> latents;
  for (const Setting& setting : settings) {
    const double rate = std::stod(setting[0].second);
    ASSERT_GE(rate, 1e-4);
    ASSERT_LE(rate, 1e-2);
    logarithms += std::log10(rate);
    dropouts += std::stod(setting[2].second);
    ++latents[setting[1].second];
  }
  // Means of 2,000 uniform numbers, within five standard errors: 2 / sqrt(12 * 2000) and 0.5 / sqrt(12 * 2000).
  EXPECT_NEAR(logarithms / 2000, -3.0, 5 * 2.0 / std::sqrt(24000.0));
  EXPECT_NEAR(dropouts / 2000, 0.25, 5 * 0.5 / std::sqrt(24000.0));
  ASSERT_EQ(latents.size(), 4U);
  for (const auto& [value, count] : latents) EXPECT_NEAR(count, 500, 5 * std::sqrt(2000 * 0.25 * 0.75)) << value;
}

TEST(Trials, NoSettingComesTwice) {
  const auto settings =
      settings_of(sweep("random", "{model.latent: {uniform: [1, 10]}, loss.star: [0.5, 1]}", "trials: 20"));
  EXPECT_EQ(std::set(settings.begin(), settings.end()).size(), 20U);
  EXPECT_THROW(settings_of(sweep("random", "{model.latent: [1, 2]}", "trials: 3")), SweepError);
}

TEST(Trials, ASettingThatIsNoConfigurationIsToldBeforeAnyRuns) {
  try {
    trials_of(sweep("grid", "{model.width: [64, 70]}"), "sweep.yaml");
    FAIL();
  } catch (const SweepError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("sweep.yaml"), testing::HasSubstr("model.width=70")));
  }
}

TEST(Trials, NamesAreFoldersEvenOfLongOrStrangeValues) {
  const std::string deep(300, 'd');
  const auto trials =
      trials_of(sweep("grid", "{data.path: ['a/b', 'a_b', 'c d', " + deep + ", " + deep + "e]}"), "sweep.yaml");
  std::set<std::string> names;
  for (const Trial& trial : trials) {
    names.insert(trial.name);
    EXPECT_LT(trial.name.size(), 200U);
    EXPECT_EQ(trial.name.find_first_of("/ \"'"), std::string::npos) << trial.name;
  }
  EXPECT_EQ(names.size(), 5U);
}

}  // namespace
}  // namespace causalfm::sweep
