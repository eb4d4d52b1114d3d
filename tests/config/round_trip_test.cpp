#include "causalfm/config/load.hpp"
#include "config/random_config.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <limits>

namespace causalfm::config {
namespace {

TEST(RoundTrip, RandomConfigurationsReadBackToTheLastBit) {
  std::mt19937_64 random(20250705);
  for (int trial = 0; trial < 500; ++trial) {
    const Config config = random_config(random);
    const std::string yaml = to_yaml(config);
    ASSERT_EQ(parse(yaml, "copy"), config) << yaml;
    ASSERT_EQ(to_yaml(parse(yaml, "copy")), yaml);
  }
}

TEST(RoundTrip, ExtremeNumbersReadBackToTheLastBit) {
  Config config;
  for (const double value : {std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::min(), 1e-5,
                             std::nextafter(0.1, 1.0), std::nextafter(1.0, 0.0), 1.0 / 3.0}) {
    config.data.test_stars = 0.0;
    config.data.validation_stars = value;
    EXPECT_EQ(parse(to_yaml(config), "copy"), config) << value;
  }
  config.seed = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(parse(to_yaml(config), "copy"), config);
}

TEST(RoundTrip, NumbersAreWrittenSoThatOtherReadersOfYamlSeeNumbers) {
  Config config;
  config.train.learning_rate = 1e-5;
  config.loss.star = 1e6;
  const std::string yaml = to_yaml(config);
  EXPECT_NE(yaml.find("learning_rate: 1.0e-05\n"), std::string::npos);
  EXPECT_NE(yaml.find("star: 1.0e+06\n"), std::string::npos);
  EXPECT_NE(yaml.find("reconstruction: 1.0\n"), std::string::npos);
}

TEST(RoundTrip, TheDefaultsAreTheEmptyText) {
  EXPECT_EQ(parse("", "empty"), Config{});
  EXPECT_EQ(parse(to_yaml(Config{}), "copy"), Config{});
}

// Every data set's identity is a hash of this text: a change makes all existing data sets strangers.
TEST(Json, TheSimulationIsOneFixedText) {
  EXPECT_EQ(to_json(Simulation{}),
            "{\"seed\":1,\"stars\":2000,\"instruments\":17,\"curves_per_star\":20,\"assignment\":\"balanced\","
            "\"stellar_parameters\":13,\"instrument_terms\":17,\"length\":100,\"alpha\":1.0,\"lambda\":0.5,"
            "\"period_scatter\":0.3,\"phases\":\"observation\",\"noise\":0.03}");
}

TEST(Json, NumbersReadBackToTheLastBit) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    const Simulation simulation = random_config(random).simulation;
    const nlohmann::json json = nlohmann::json::parse(to_json(simulation));
    EXPECT_EQ(json.size(), 13u);
    EXPECT_EQ(json.at("seed").get<int64_t>(), simulation.seed);
    EXPECT_EQ(json.at("alpha").get<double>(), simulation.alpha);
    EXPECT_EQ(json.at("lambda").get<double>(), simulation.lambda);
    EXPECT_EQ(json.at("noise").get<double>(), simulation.noise);
    EXPECT_TRUE(json.at("assignment").is_string());
  }
}

}  // namespace
}  // namespace causalfm::config
