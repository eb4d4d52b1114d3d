#include "causalfm/run/comparison.hpp"

#include "causalfm/run/error.hpp"
#include "run/written_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace causalfm::run {
namespace {

using testing::ElementsAre;

class ComparisonTest : public testing::Test {
 protected:
  WrittenRun make(const std::string& name, int64_t seed, int64_t width) {
    config::Config settings;
    settings.seed = seed;
    settings.model.width = width;
    return {*files_, folder_ / name, settings};
  }

  storage::TemporaryFolder folder_;
  std::shared_ptr<storage::FileSystem> files_ = storage::make_real_file_system();
};

TEST_F(ComparisonTest, TheBestComesFirstWithWhatItWasAskedFor) {
  WrittenRun bad = make("bad", 1, 64);
  bad.train(0, 20);
  bad.validate(10, 3.0);
  bad.validate(20, 5.0);
  WrittenRun good = make("good", 2, 64);
  good.train(0, 3, 0.5, 100.0);
  good.train(3, 2, 0.5, 200.0);
  good.validate(5, 2.0);
  good.end(Ending::completed, 5);
  make("new", 2, 32);

  const Comparison comparison = compare(*files_, {folder_ / "new", folder_ / "bad", folder_ / "good"});
  ASSERT_EQ(comparison.runs.size(), 3U);
  EXPECT_EQ(comparison.runs[0].folder, folder_ / "good");
  EXPECT_EQ((*comparison.runs[0].best)["step"], 5);
  EXPECT_EQ(comparison.runs[0].median_curves_per_second, 100.0);
  EXPECT_EQ(comparison.runs[0].hours, 2.0);
  EXPECT_EQ(comparison.runs[0].ranks, 4);
  EXPECT_EQ(comparison.runs[1].folder, folder_ / "bad");
  EXPECT_EQ((*comparison.runs[1].best)["step"], 10);
  EXPECT_EQ(comparison.runs[1].steps, 20);
  EXPECT_EQ(comparison.runs[1].ranks, 0);
  EXPECT_EQ(comparison.runs[2].folder, folder_ / "new");
  EXPECT_FALSE(comparison.runs[2].best || comparison.runs[2].median_curves_per_second);

  ASSERT_EQ(comparison.differences.size(), 2U);
  EXPECT_EQ(comparison.differences[0].key, "model.width");
  EXPECT_THAT(comparison.differences[0].values, ElementsAre("64", "64", "32"));
  EXPECT_EQ(comparison.differences[1].key, "seed");
  EXPECT_THAT(comparison.differences[1].values, ElementsAre("2", "1", "2"));
}

TEST_F(ComparisonTest, TheMedianOfAnEvenNumberIsBetweenTheMiddleTwo) {
  WrittenRun run = make("run", 1, 64);
  for (const double rate : {400.0, 100.0, 300.0, 100.0}) run.train(0, 1, 0.5, rate);
  make("other", 1, 64);
  const Comparison comparison = compare(*files_, {folder_ / "run", folder_ / "other"});
  EXPECT_EQ(comparison.runs[0].median_curves_per_second, 200.0);
  EXPECT_TRUE(comparison.differences.empty());
}

TEST_F(ComparisonTest, AFolderWithoutARunIsARunError) {
  make("run", 1, 64);
  EXPECT_THROW(compare(*files_, {folder_ / "run", folder_ / "none"}), RunError);
}

}  // namespace
}  // namespace causalfm::run
