#include "causalfm/config/load.hpp"

#include "causalfm/config/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace causalfm::config {
namespace {

class LoadFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "causalfm-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& text) const {
    const std::filesystem::path file = folder_ / "given.yaml";
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  static std::string sentence_of(const std::filesystem::path& file, const std::vector<std::string>& overrides = {}) {
    try {
      load(file, overrides);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no error";
  }

  std::filesystem::path folder_;
};

TEST_F(LoadFile, ReadsKeysOfEveryType) {
  const Config config =
      load(write("seed: 3\n"
                 "simulation: {assignment: sparse, noise: 0, alpha: 1e-1, stars: +12}\n"
                 "data:\n  path: data/some folder\n  held_out_instruments:\n    - 3\n    - 1\n"
                 "model:\n  block: [lstm, lstm]\n"
                 "loss: {positives_inside_log: false}\n"
                 "train:\n"
                 "runtime: {threads: 2, device: 'cpu'}\n"));
  Config expected;
  expected.seed = 3;
  expected.simulation.assignment = Assignment::sparse;
  expected.simulation.noise = 0.0;
  expected.simulation.alpha = 0.1;
  expected.simulation.stars = 12;
  expected.data.path = "data/some folder";
  expected.data.held_out_instruments = {3, 1};
  expected.model.block = {Sublayer::lstm, Sublayer::lstm};
  expected.loss.positives_inside_log = false;
  expected.runtime.threads = 2;
  expected.runtime.device = DeviceKind::cpu;
  EXPECT_EQ(config, expected);
}

TEST_F(LoadFile, NothingButCommentsIsTheDefaults) {
  EXPECT_EQ(load(write("")), Config{});
  EXPECT_EQ(load(write("# nothing\n---\n")), Config{});
  EXPECT_EQ(load(""), Config{});
}

TEST_F(LoadFile, AnchorsAndAliasesWork) {
  const Config config = load(write("seed: &number 42\nsimulation: {seed: *number, stars: *number}\n"));
  EXPECT_EQ(config.seed, 42);
  EXPECT_EQ(config.simulation.seed, 42);
  EXPECT_EQ(config.simulation.stars, 42);
}

TEST_F(LoadFile, OverridesComeAfterTheFileAndInOrder) {
  const auto file = write("train: {steps: 5}\ndata: {path: here}\n");
  const Config config = load(file, {"train.steps=6", "train.steps=7", "data.path=", "model.block=[attention, lstm]",
                                    "runtime.threads=auto", "loss.temperature=1"});
  EXPECT_EQ(config.train.steps, 7);
  EXPECT_EQ(config.data.path, std::nullopt);
  EXPECT_EQ(config.model.block, (std::vector{Sublayer::attention, Sublayer::lstm}));
  EXPECT_EQ(config.loss.temperature, 1.0);
  EXPECT_EQ(load("", {"data.path=a=b"}).data.path, "a=b");
}

TEST_F(LoadFile, RangesAndRelationsAreCheckedAfterTheLastOverride) {
  const auto file = write("train:\n  steps: 0\n  warmup_steps: 9\n");
  EXPECT_EQ(load(file, {"train.steps=10"}).train.steps, 10);
  EXPECT_EQ(sentence_of(file, {"train.steps=8"}),
            file.string() +
                ":3: 'train.warmup_steps' is 9 and 'train.steps' is 8 (--set train.steps=8); "
                "train.warmup_steps must be at most train.steps");
}

TEST_F(LoadFile, TheSentenceNamesFileAndLine) {
  const auto file = write("train:\n  steps: 5\n  batch_triplet: 3\n");
  EXPECT_EQ(sentence_of(file),
            file.string() + ":3: unknown key 'train.batch_triplet'; did you mean 'train.batch_triplets'?");
}

TEST_F(LoadFile, WhatCannotBeReadIsNamedWithTheReason) {
  EXPECT_EQ(sentence_of(folder_ / "none.yaml"), (folder_ / "none.yaml").string() +
                                                    ": cannot be read (No such file or directory); give the path of a "
                                                    "readable YAML file");
  EXPECT_EQ(sentence_of(folder_), folder_.string() + ": is a folder; give the path of a YAML file");
  EXPECT_THAT(sentence_of(write("") / "below"), testing::HasSubstr("cannot be read (Not a directory)"));
  EXPECT_THAT(sentence_of(write(std::string((1 << 20) + 1, '#'))), testing::HasSubstr("is over 1 MiB"));
  EXPECT_EQ(load(write(std::string(1 << 20, '#'))), Config{});
  // Opens, and the first read fails: address 0 of this process.
  EXPECT_EQ(sentence_of("/proc/self/mem"),
            "/proc/self/mem: cannot be read (Input/output error); give the path of a readable YAML file");
}

TEST_F(LoadFile, ADataFileGivenByMistakeIsNotValidYaml) {
  EXPECT_THAT(sentence_of(write("\x89HDF\r\n\x1a\n\x01\x08\x08 {]")), testing::HasSubstr("given.yaml:"));
}

}  // namespace
}  // namespace causalfm::config
