#include "app/command_config.hpp"

#include "causalfm/config/error.hpp"
#include "causalfm/config/load.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace causalfm::app {
namespace {

const std::string paper = CAUSALFM_CONFIGS_FOLDER "/paper.yaml";

TEST(ConfigCommand, CheckSaysThatAFileIsValid) {
  std::ostringstream output;
  EXPECT_EQ(config_check(paper, {}, output), 0);
  EXPECT_EQ(config_check("", {"seed=3"}, output), 0);
  EXPECT_EQ(output.str(), paper + ": valid\nthe defaults: valid\n");
}

TEST(ConfigCommand, CheckThrowsWithoutAWordOtherwise) {
  std::ostringstream output;
  EXPECT_THROW(config_check(paper, {"seed=x"}, output), config::ConfigError);
  EXPECT_EQ(output.str(), "");
}

TEST(ConfigCommand, ShowPrintsWhatReadsBack) {
  std::ostringstream output;
  EXPECT_EQ(config_show(paper, {"train.steps=12"}, output), 0);
  EXPECT_EQ(config::parse(output.str(), "shown"), config::load(paper, {"train.steps=12"}));
}

TEST(ConfigCommand, KeysPrintsTheDocumentation) {
  std::ostringstream output;
  EXPECT_EQ(config_keys(output), 0);
  EXPECT_EQ(output.str(), config::describe_keys());
}

}  // namespace
}  // namespace causalfm::app
