#include "evaluation/label_sets.hpp"

#include "causalfm/evaluation/error.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace causalfm::evaluation {
namespace {

using testing::ElementsAre;

TEST(LabelSets, EachDrawIsAnotherOrderOfAllStars) {
  const at::Tensor sets = draw_label_sets(500, 5, 1);
  ASSERT_EQ(sets.sizes(), (std::vector<int64_t>{5, 500}));
  for (int64_t draw = 0; draw < 5; ++draw) {
    EXPECT_TRUE(std::get<0>(sets[draw].sort()).equal(at::arange(500)));
    for (int64_t other = 0; other < draw; ++other) EXPECT_LT(sets[draw].eq(sets[other]).sum().item<int64_t>(), 10);
  }
}

TEST(LabelSets, FollowFromTheSplitSeedAndNotFromHowManyAreDrawn) {
  EXPECT_TRUE(draw_label_sets(100, 2, 7).equal(draw_label_sets(100, 5, 7).narrow(0, 0, 2)));
  EXPECT_FALSE(draw_label_sets(100, 1, 7).equal(draw_label_sets(100, 1, 8)));
}

TEST(LabelSets, EveryStarIsAsLikelyToBeLabelled) {
  const int64_t draws = 4000;
  const at::Tensor first = draw_label_sets(20, draws, 3).narrow(1, 0, 5);
  const at::Tensor share = at::bincount(first.reshape(-1), {}, 20).to(at::kDouble) / draws;
  EXPECT_LT((share - 0.25).abs().max().item<double>(), 4.5 * std::sqrt(0.25 * 0.75 / draws));
}

TEST(LabelCounts, AreThoseOfTheProtocolBelowAllAndAll) {
  EXPECT_THAT(label_counts(1600, {}), ElementsAre(10, 30, 100, 300, 1000, 1600));
  EXPECT_THAT(label_counts(100, {}), ElementsAre(10, 30, 100));
  EXPECT_THAT(label_counts(7, {}), ElementsAre(7));
}

TEST(LabelCounts, AskedForAreSortedAndTooManyAreRefused) {
  EXPECT_THAT(label_counts(50, {50, 20, 20}), ElementsAre(20, 50));
  try {
    label_counts(50, {20, 60});
    FAIL();
  } catch (const EvaluationError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("label count 60: 50 training stars"));
  }
  EXPECT_THROW(label_counts(50, {1}), EvaluationError);
}

TEST(LabelSets, OfNoStarsAreRefused) { EXPECT_THROW(draw_label_sets(0, 5, 1), EvaluationError); }

}  // namespace
}  // namespace causalfm::evaluation
