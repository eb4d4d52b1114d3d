#include "causalfm/sweep/description.hpp"

#include "causalfm/config/error.hpp"
#include "causalfm/storage/file_system.hpp"
#include "causalfm/sweep/error.hpp"
#include "causalfm/sweep/trial.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>

namespace causalfm::sweep {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* good = R"(
base: configs/paper.yaml
method: random
parameters: {loss.temperature: [0.10, 0.2], train.learning_rate: {log_uniform: [1.0e-4, 1.0e-2]}}
seeds: [0, 1]
objective: validation_star_recall
direction: maximize
trials: 5
)";

TEST(Description, IsWhatTheFileSays) {
  const Description sweep = describe(good, "sweep.yaml", {});
  EXPECT_EQ(sweep.method, Method::random);
  ASSERT_EQ(sweep.parameters.size(), 2U);
  EXPECT_EQ(sweep.parameters[0].values, (std::vector<std::string>{"0.1", "0.2"}));
  EXPECT_TRUE(sweep.parameters[1].range->logarithmic);
  EXPECT_FALSE(sweep.parameters[1].range->integers);
  EXPECT_EQ(sweep.seeds, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(sweep.settings, 5);
}

TEST(Description, TheBaseIsFoundBesideTheFile) {
  const storage::TemporaryFolder folder;
  const auto files = storage::make_real_file_system();
  const auto write = [&](const char* name, std::string_view text) {
    files->write_new(folder / name, std::as_bytes(std::span(text)));
  };
  std::string yaml = good;
  yaml.replace(yaml.find("configs/paper.yaml"), 18, "the-base.yaml");
  write("sweep.yaml", yaml);
  EXPECT_THROW(read_sweep(folder / "sweep.yaml"), SweepError);
  write("the-base.yaml", "model: {width: 128}");
  const SweepFile sweep = read_sweep(folder / "sweep.yaml");
  EXPECT_EQ(sweep.text, yaml);
  EXPECT_EQ(sweep.description.base.model.width, 128);
}

TEST(Description, OneSeedIsThatOfTheBase) {
  std::string yaml = good;
  yaml.replace(yaml.find("seeds: [0, 1]"), 13, "");
  config::Config base;
  base.seed = 42;
  EXPECT_EQ(describe(yaml, "sweep.yaml", base).seeds, std::vector<int64_t>{42});
}

struct Mistake {
  std::string from;
  std::string to;
  std::vector<std::string> told;
};

TEST(Description, TellsAMistakeWithItsLine) {
  const std::vector<Mistake> mistakes{
      {"loss.temperature", "loss.temprature", {"sweep.yaml:4", "'loss.temprature'", "'loss.temperature'"}},
      {"[0.10, 0.2]", "[]", {"sweep.yaml:4", "at least one value"}},
      {"[0.10, 0.2]", "[0.1, warm]", {"sweep.yaml:4", "warm", "number"}},
      {"[0.10, 0.2]", "[0.1, -1]", {"sweep.yaml:4", "-1"}},
      {"[0.10, 0.2]", "[0.1, 0.10]", {"sweep.yaml:4", "twice"}},
      {"[1.0e-4, 1.0e-2]", "[1.0e-2, 1.0e-4]", {"sweep.yaml:4", "empty range"}},
      {"[1.0e-4, 1.0e-2]", "[1.0e-2, 1.0e-2]", {"sweep.yaml:4", "empty range"}},
      {"log_uniform: [1.0e-4, 1.0e-2]", "log_uniform: [1.0e-4]", {"sweep.yaml:4", "log_uniform"}},
      {"log_uniform", "normal", {"sweep.yaml:4", "log_uniform"}},
      {"method: random", "method: bayes", {"sweep.yaml:3", "bayes", "successive_halving"}},
      {"method: random", "method: grid", {"a grid"}},
      {"direction: maximize", "direction: up", {"sweep.yaml:7", "up"}},
      {"direction: maximize", "", {"'direction' is missing"}},
      {"validation_star_recall", "validation_star_recal", {"sweep.yaml:6", "did you mean 'validation_star_recall'"}},
      {"validation_star_recall", "validation_loss", {"sweep.yaml:6", "cannot be compared", "loss.temperature"}},
      {"trials: 5", "trials: 0", {"sweep.yaml:8", "'trials' is 0"}},
      {"trials: 5", "", {"'trials' is missing"}},
      {"trials: 5", "trails: 5", {"sweep.yaml:8", "'trails'", "'trials'"}},
      {"trials: 5", "trials: 100000", {"more than 100000 runs"}},
      {"seeds: [0, 1]", "seeds: []", {"sweep.yaml:5", "seeds"}},
      {"seeds: [0, 1]", "seeds: [0, 0]", {"sweep.yaml:5", "distinct"}},
      {"seeds: [0, 1]", "seeds: [0, a]", {"sweep.yaml:5"}},
      {"base: configs/paper.yaml", "base: [a]", {"sweep.yaml:2", "base"}},
  };
  for (const Mistake& mistake : mistakes) {
    std::string yaml = good;
    yaml.replace(yaml.find(mistake.from), mistake.from.size(), mistake.to);
    std::string told = "nothing";
    try {
      describe(yaml, "sweep.yaml", {});
    } catch (const SweepError& error) {
      told = error.what();
    } catch (const config::ConfigError& error) {
      told = error.what();
    }
    for (const std::string& part : mistake.told) EXPECT_THAT(told, HasSubstr(part)) << mistake.from << mistake.to;
  }
}

TEST(Description, RefusesWhatIsNoSweep) {
  for (const char* yaml : {"", "[]", "seven", "base: a", "base: {", "a: 1\n---\nb: 2"}) {
    EXPECT_ANY_THROW(describe(yaml, "sweep.yaml", {})) << yaml;
  }
}

TEST(Description, SuccessiveHalvingKeepsItsBudgetToItself) {
  std::string yaml = good;
  yaml.replace(yaml.find("method: random"), 14, "method: successive_halving");
  EXPECT_NO_THROW(describe(yaml, "sweep.yaml", {}));
  yaml.replace(yaml.find("loss.temperature: [0.10, 0.2]"), 29, "train.steps: [100, 200]");
  try {
    describe(yaml, "sweep.yaml", {});
    FAIL();
  } catch (const SweepError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("train.steps"), HasSubstr("remove")));
  }
}

TEST(Description, EverySweepOfTheConfigsFolderIsOne) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CAUSALFM_CONFIGS_FOLDER "/sweeps")) {
    EXPECT_FALSE(trials_of(read_sweep(entry.path()).description, entry.path()).empty()) << entry.path();
    ++count;
  }
  EXPECT_EQ(count, 5);
}

}  // namespace
}  // namespace causalfm::sweep
