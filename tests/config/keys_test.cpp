#include "config/keys.hpp"

#include "causalfm/config/load.hpp"
#include "config/choice.hpp"
#include "config/random_config.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace causalfm::config {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(Keys, EachChangesTheConfigurationAndOneLineOfItsYaml) {
  std::mt19937_64 random(3);
  const std::vector<std::string> defaults = lines_of(to_yaml(Config{}));
  Config names;
  for (size_t index = 0; index < keys_of(names).size(); ++index) {
    Config config;
    const std::vector<Key> keys = keys_of(config);
    const Key& key = keys[index];
    if (key.name == "train.optimizer") continue;  // adam is the only choice so far
    change(key, random);
    EXPECT_NE(config, Config{}) << key.name;
    const std::vector<std::string> lines = lines_of(to_yaml(config));
    ASSERT_EQ(lines.size(), defaults.size()) << key.name;
    size_t different = 0;
    for (size_t line = 0; line < lines.size(); ++line) different += lines[line] != defaults[line];
    EXPECT_EQ(different, 1u) << key.name;
  }
}

size_t keys_in(std::string_view section) {
  Config config;
  size_t count = 0;
  for (const Key& key : keys_of(config)) count += key.section() == section;
  return count;
}

/// Stops compiling when a struct gains or loses a member; the number of names is then the number of keys to expect.
TEST(Keys, EveryMemberHasOne) {
  const Config config;
  [[maybe_unused]] const auto& [seed, simulation, data, model, loss, train, comm, runtime] = config;
  [[maybe_unused]] const auto& [s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13] = simulation;
  [[maybe_unused]] const auto& [d1, d2, d3, d4, d5, d6] = data;
  [[maybe_unused]] const auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12] = model;
  [[maybe_unused]] const auto& [l1, l2, l3, l4, l5, l6, l7] = loss;
  [[maybe_unused]] const auto& [t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19,
                                t20, t21, t22, t23] = train;
  [[maybe_unused]] const auto& [c1, c2, c3, c4, c5] = comm;
  [[maybe_unused]] const auto& [r1, r2, r3, r4] = runtime;
  EXPECT_EQ(keys_in(""), 1u);
  EXPECT_EQ(keys_in("simulation"), 13u);
  EXPECT_EQ(keys_in("data"), 6u);
  EXPECT_EQ(keys_in("model"), 12u);
  EXPECT_EQ(keys_in("loss"), 7u);
  EXPECT_EQ(keys_in("train"), 23u);
  EXPECT_EQ(keys_in("comm"), 5u);
  EXPECT_EQ(keys_in("runtime"), 4u);
  EXPECT_EQ(sections().size(), 7u);
}

TEST(Keys, HaveNamesSentencesAndDefaultsInRange) {
  Config config;
  std::set<std::string_view> names;
  for (const Key& key : keys_of(config)) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_TRUE(key.setting->in_range()) << key.name;
    ASSERT_FALSE(key.sentence.empty()) << key.name;
    EXPECT_EQ(key.sentence.back(), '.') << key.name;
    EXPECT_EQ(key.sentence.find('|'), std::string_view::npos) << key.name << ": breaks the table of the documentation";
  }
}

template <typename Enum>
void expect_texts(const std::vector<std::pair<Enum, std::string>>& expected) {
  ASSERT_EQ(names_of(Enum{}).size(), expected.size());
  for (const auto& [value, text] : expected) {
    EXPECT_EQ(to_text(value), text);
    EXPECT_EQ(from_text<Enum>(text), value);
  }
}

TEST(Names, AreThoseOfTheContract) {
  expect_texts<Assignment>(
      {{Assignment::balanced, "balanced"}, {Assignment::uniform, "uniform"}, {Assignment::sparse, "sparse"}});
  expect_texts<Phases>({{Phases::observation, "observation"}, {Phases::star, "star"}});
  expect_texts<SamplerKind>({{SamplerKind::triplet, "triplet"}, {SamplerKind::pair, "pair"}});
  expect_texts<Latents>({{Latents::dual, "dual"}, {Latents::single, "single"}});
  expect_texts<EncoderKind>({{EncoderKind::conformer, "conformer"}, {EncoderKind::mlp, "mlp"}});
  expect_texts<Spectrum>({{Spectrum::none, "none"}, {Spectrum::amplitudes, "amplitudes"}});
  expect_texts<Sublayer>({{Sublayer::attention, "attention"},
                          {Sublayer::lstm, "lstm"},
                          {Sublayer::convolution, "convolution"},
                          {Sublayer::feed_forward, "feed_forward"}});
  expect_texts<Anchors>({{Anchors::first, "first"}, {Anchors::all, "all"}});
  expect_texts<Schedule>({{Schedule::constant, "constant"}, {Schedule::cosine, "cosine"}});
  expect_texts<OptimizerKind>({{OptimizerKind::adam, "adam"}});
  expect_texts<Precision>(
      {{Precision::float32, "float32"}, {Precision::bfloat16, "bfloat16"}, {Precision::float64, "float64"}});
  expect_texts<NonFinite>({{NonFinite::stop, "stop"}, {NonFinite::skip, "skip"}, {NonFinite::rollback, "rollback"}});
  expect_texts<Backend>(
      {{Backend::automatic, "auto"}, {Backend::nccl, "nccl"}, {Backend::mpi, "mpi"}, {Backend::single, "single"}});
  expect_texts<DeviceKind>({{DeviceKind::automatic, "auto"}, {DeviceKind::cpu, "cpu"}, {DeviceKind::cuda, "cuda"}});
}

TEST(Names, ANumberThatIsNoEnumeratorIsRefused) {
  EXPECT_THROW(to_text(static_cast<Anchors>(7)), ConfigError);
  EXPECT_EQ(from_text<Anchors>("First"), std::nullopt);
}

}  // namespace
}  // namespace causalfm::config
