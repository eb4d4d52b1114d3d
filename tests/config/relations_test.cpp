#include "causalfm/config/error.hpp"
#include "causalfm/config/load.hpp"
#include "config/check.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace causalfm::config {
namespace {

std::string sentence_of(const std::vector<std::string>& overrides) {
  try {
    parse("", "c.yaml", overrides);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "valid";
}

TEST(Relations, EachSideOfEachBorder) {
  const std::vector<std::pair<std::vector<std::string>, bool>> cases{
      {{"model.width=66"}, false},
      {{"model.width=66", "model.heads=6"}, true},
      {{"model.width=66", "model.encoder=mlp"}, true},
      {{"model.width=5", "model.heads=5"}, false},
      {{"model.width=5", "model.heads=5", "model.encoder=mlp"}, true},
      {{"model.latents=single"}, false},
      {{"model.latents=single", "loss.instrument=0"}, true},
      {{"data.sampler=pair"}, true},  // other stars of the batch seen by the anchor's instrument are positives
      {{"loss.star=0", "loss.instrument=0"}, true},
      {{"loss.star=0", "loss.instrument=0", "loss.reconstruction=0"}, false},
      {{"data.validation_stars=0.5", "data.test_stars=0.5"}, false},
      {{"data.validation_stars=0.5", "data.test_stars=0.499"}, true},
      {{"data.held_out_instruments=[0, 16]"}, true},
      {{"data.held_out_instruments=[0, 17]"}, false},
      {{"data.held_out_instruments=[0, 17]", "data.path=there"}, true},
      {{"data.held_out_instruments=[0, 1]", "simulation.instruments=2"}, false},
      {{"data.held_out_instruments=[0]", "simulation.instruments=2"}, true},
      {{"train.warmup_steps=10000"}, true},
      {{"train.warmup_steps=10001"}, false},
      {{"simulation.instruments=1"}, true},
      {{"simulation.instruments=1", "simulation.assignment=sparse"}, false},
      {{"simulation.curves_per_star=1", "simulation.assignment=sparse"}, false},
      {{"simulation.instruments=2", "simulation.curves_per_star=2", "simulation.assignment=sparse"}, true},
      {{"simulation.stars=50000000"}, true},
      {{"simulation.stars=50000001"}, false},
      {{"simulation.instruments=100", "simulation.length=1000000"}, true},
      {{"simulation.instruments=101", "simulation.length=1000000"}, false},
      {{"train.batch_triplets=1000", "simulation.length=1000000"}, true},
      {{"train.batch_triplets=1001", "simulation.length=1000000"}, false},
      {{"train.batch_triplets=1001", "simulation.length=1000000", "data.path=there"}, true},
      {{"model.width=4096", "model.blocks=3"}, true},
      {{"model.width=4096", "model.blocks=4"}, false},
      {{"model.width=4096", "model.blocks=4", "model.encoder=mlp"}, true},
      {{"model.width=256", "model.encoder=mlp", "simulation.length=1000000", "train.batch_triplets=1"}, false},
      {{"model.width=256", "model.encoder=mlp", "simulation.length=900000", "train.batch_triplets=1"}, true},
  };
  for (const auto& [overrides, valid] : cases) {
    EXPECT_EQ(sentence_of(overrides) == "valid", valid) << testing::PrintToString(overrides) << sentence_of(overrides);
  }
}

TEST(Relations, TheSentenceNamesEveryValueAndWhereItIsFrom) {
  EXPECT_EQ(
      sentence_of({"model.width=66"}),
      "--set model.width=66: 'model.width' is 66, 'model.heads' is 4 (by default) and 'model.encoder' is conformer "
      "(by default); the width of a Conformer must be a multiple of its heads");
  EXPECT_EQ(sentence_of({"model.latents=single"}),
            "--set model.latents=single: 'loss.instrument' is 1.0 (by default) and 'model.latents' is single; "
            "loss.instrument must be 0 where model.latents is single, for there is no space of instruments");
}

TEST(Relations, NameOnlyKeysThatExistAndHoldByDefault) {
  Config config;
  const std::vector<Key> keys = keys_of(config);
  for (const Relation& relation : relations()) {
    EXPECT_TRUE(relation.holds(config)) << relation.rule;
    for (const std::string_view name : relation.keys) EXPECT_NE(find_key(keys, name), nullptr) << name;
  }
}

/// Single ranges are checked first, so that no product of a relation overflows.
TEST(Relations, TheLargestValuesOfEveryKeyAreHandled) {
  EXPECT_NE(sentence_of({"simulation.stars=1000000000", "simulation.curves_per_star=100000"}), "valid");
  EXPECT_NE(sentence_of({"model.width=4096", "model.blocks=64", "model.feed_forward=65536"}), "valid");
}

}  // namespace
}  // namespace causalfm::config
