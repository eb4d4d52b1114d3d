#include "causalfm/config/load.hpp"
#include "config/keys.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace causalfm::config {
namespace {

TEST(Documentation, IsWhatConfigKeysPrints) {
  std::ifstream stream(CAUSALFM_CONFIGURATION_PAGE, std::ios::binary);
  ASSERT_TRUE(stream) << CAUSALFM_CONFIGURATION_PAGE;
  std::ostringstream page;
  page << stream.rdbuf();
  EXPECT_EQ(page.str(), describe_keys())
      << "docs/configuration.md is out of date; write it again: build/causalfm config keys > docs/configuration.md";
}

TEST(Documentation, HasALineForEveryKeyWithItsDefault) {
  Config config;
  const std::string page = describe_keys();
  for (const Key& key : keys_of(config)) {
    const std::string start =
        "\n| `" + std::string(key.name) + "` | " + key.setting->type() + " | `" + key.setting->text() + "` | ";
    EXPECT_NE(page.find(start), std::string::npos) << start;
  }
}

}  // namespace
}  // namespace causalfm::config
