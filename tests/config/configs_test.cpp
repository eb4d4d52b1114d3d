#include "causalfm/config/load.hpp"
#include "config/keys.hpp"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <set>
#include <string>

namespace causalfm::config {
namespace {

const std::filesystem::path folder = CAUSALFM_CONFIGS_FOLDER;

TEST(Configs, EveryFileIsValidAndStatesTheTemperature) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_NO_THROW(load(entry.path())) << entry.path();
    EXPECT_TRUE(YAML::LoadFile(entry.path())["loss"]["temperature"].IsDefined()) << entry.path();
    names.insert(entry.path().stem());
  }
  for (const char* name : {"paper", "quickstart", "single", "single-triplet", "single-40", "mlp"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(Configs, ThePapersAreTheDefaultsAllStated) {
  EXPECT_EQ(load(folder / "paper.yaml"), Config{});
  Config config;
  const YAML::Node root = YAML::LoadFile(folder / "paper.yaml");
  for (const Key& key : keys_of(config)) {
    if (key.section() == "comm" || key.section() == "runtime") continue;  // the machine's, not the paper's
    const YAML::Node section = key.section().empty() ? root : root[std::string(key.section())];
    EXPECT_TRUE(section[std::string(key.last_name())].IsDefined()) << key.name;
  }
}

TEST(Configs, TheQuickstartTrainsASmallerModelOnThePapersData) {
  const Config quickstart = load(folder / "quickstart.yaml");
  EXPECT_EQ(quickstart.simulation, Simulation{});
  Data data;
  data.path = quickstart.data.path;
  EXPECT_TRUE(data.path.has_value());
  EXPECT_EQ(quickstart.data, data);
  EXPECT_EQ(quickstart.model.encoder, EncoderKind::conformer);
  EXPECT_LT(quickstart.model.width * quickstart.model.blocks, Model{}.width * Model{}.blocks);
}

TEST(Configs, TheBaselinesDifferFromThePapersWhereTheyMust) {
  Config single;
  single.model.latents = Latents::single;
  single.loss.instrument = 0.0;
  EXPECT_EQ(load(folder / "single-triplet.yaml"), single);
  single.data.sampler = SamplerKind::pair;
  EXPECT_EQ(load(folder / "single.yaml"), single);
  single.model.latent = 2 * Model{}.latent;
  EXPECT_EQ(load(folder / "single-40.yaml"), single);
  Config mlp;
  mlp.model.encoder = EncoderKind::mlp;
  EXPECT_EQ(load(folder / "mlp.yaml"), mlp);
}

}  // namespace
}  // namespace causalfm::config
