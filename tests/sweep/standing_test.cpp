#include "causalfm/sweep/standing.hpp"

#include "causalfm/sweep/error.hpp"
#include "sweep/written_sweep.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace causalfm::sweep {
namespace {

constexpr const char* grid = R"(
base: b
method: grid
parameters: {loss.temperature: [0.1, 0.2, 0.5]}
seeds: [0, 1]
objective: validation_star_recall
direction: maximize
)";

config::Config base() {
  config::Config config;
  config.train.steps = 30;
  config.train.validate_every = 10;
  return config;
}

TEST(Standing, SortsByTheMeanOverSeeds) {
  WrittenSweep sweep(grid, base());
  const std::vector<std::vector<double>> recalls{{0.1, 0.2, 0.3}, {0.1, 0.2, 0.5}, {0.3, 0.3, 0.9}, {0, 0, 0.5}};
  for (std::size_t i = 0; i < recalls.size(); ++i) {
    sweep.train(sweep.trials()[i], recalls[i], 10, run::Ending::completed);
  }
  const Standing standing = standing_of(sweep.folder(), {std::chrono::system_clock::now()});
  ASSERT_EQ(standing.settings.size(), 3U);
  EXPECT_EQ(standing.settings[0].index, 1);
  EXPECT_DOUBLE_EQ(standing.settings[0].mean, 0.7);
  EXPECT_NEAR(standing.settings[0].spread, 0.4 / std::sqrt(2.0), 1e-12);
  EXPECT_EQ(standing.settings[1].index, 0);
  EXPECT_EQ(standing.settings[2].done, 0);
  EXPECT_EQ(standing.count(Progress::waiting), 2);
  EXPECT_NE(best_yaml(standing).find("temperature: 0.2\n"), std::string::npos);
  EXPECT_EQ(config::parse(best_yaml(standing), "best"), sweep.trials()[2].config);
}

TEST(Standing, AFailureIsShownAndIsNotTheBest) {
  WrittenSweep sweep(grid, base());
  sweep.folder().write_failure(sweep.trials()[0], {5, "step 3: loss is not finite, \"truly\""});
  sweep.train(sweep.trials()[1], {0.9, 0.9, 0.9}, 10, run::Ending::completed);
  sweep.train(sweep.trials()[2], {0.1, 0.1, 0.1}, 10, run::Ending::completed);
  sweep.train(sweep.trials()[3], {0.1, 0.1, 0.1}, 10, run::Ending::completed);
  const Standing standing = standing_of(sweep.folder(), {std::chrono::system_clock::now()});
  EXPECT_EQ(standing.settings[0].index, 1) << "a setting of which a seed failed does not win";
  EXPECT_EQ(standing.count(Progress::failed), 1);
  EXPECT_NE(trials_csv(standing).find(",5,\"step 3: loss is not finite, \"\"truly\"\"\"\n"), std::string::npos)
      << trials_csv(standing);
}

TEST(Standing, TheObjectiveIsTakenWhereTheLossIsLowestUpToTheRung) {
  std::string yaml = grid;
  yaml.replace(yaml.find("method: grid"), 12, "method: successive_halving\ntrials: 3");
  WrittenSweep sweep(yaml, base());
  const auto& all = sweep.trials();
  const run::Observer observer{std::chrono::system_clock::now()};
  // Settings 0, 1, 2 have 0.3, 0.5, 0.1 at step 10.
  for (std::size_t i = 0; i < all.size(); ++i) {
    sweep.train(all[i], {i < 2 ? 0.3 : i < 4 ? 0.5 : 0.1}, 10, run::Ending::interrupted);
  }
  auto second = trials_of_rung(sweep.folder(), sweep.description(), all, 1, observer);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[0].setting, all[2].setting);
  Standing standing = standing_of(sweep.folder(), observer);
  EXPECT_EQ(standing.count(Progress::done), 4);
  EXPECT_EQ(standing.settings[0].rung, 1);

  // What the survivor does later must not change who survives.
  for (std::size_t i : {2U, 3U}) sweep.train(all[i], {0.5, 0.0, 0.01}, 10, run::Ending::completed);
  second = trials_of_rung(sweep.folder(), sweep.description(), all, 1, observer);
  EXPECT_EQ(second[0].setting, all[2].setting);
  standing = standing_of(sweep.folder(), observer);
  EXPECT_EQ(standing.best()->index, all[2].setting);
  EXPECT_DOUBLE_EQ(standing.best()->mean, 0.01);
}

TEST(Standing, AFolderKeepsToItsBase) {
  const storage::TemporaryFolder temporary;
  const auto files = storage::make_real_file_system();
  const auto create = [&](const config::Config& from) {
    return SweepFolder::create(*files, temporary.path() / "sweep", grid, describe(grid, "sweep.yaml", from));
  };
  create(base());
  config::Config other = base();
  other.loss.temperature = 0.7;  // every trial has its own
  other.train.steps = 60;        // runs may grow
  EXPECT_NO_THROW(create(other));
  other.model.width = 128;
  EXPECT_THROW(create(other), SweepError);
  EXPECT_THROW(SweepFolder::open(*files, temporary.path()), SweepError);
}

}  // namespace
}  // namespace causalfm::sweep
