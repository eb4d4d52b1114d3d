#include "causalfm/loss/retrieval.hpp"

#include "causalfm/loss/error.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace causalfm::loss {
namespace {

double recall_in_loops(const at::Tensor& latents, const at::Tensor& same, const at::Tensor& other) {
  const at::Tensor unit = latents.to(at::kDouble) / latents.to(at::kDouble).norm(2, {1}, true);
  const at::Tensor cosines = unit.matmul(unit.t()).to(at::kFloat);
  const auto cosine = cosines.accessor<float, 2>();
  const int64_t* const same_of = same.data_ptr<int64_t>();
  const int64_t* const other_of = other.data_ptr<int64_t>();
  int64_t queries = 0;
  int64_t found = 0;
  for (int64_t query = 0; query < latents.size(0); ++query) {
    int64_t nearest = -1;
    bool match_exists = false;
    for (int64_t row = 0; row < latents.size(0); ++row) {
      if (other_of[row] == other_of[query]) continue;
      match_exists = match_exists || same_of[row] == same_of[query];
      if (nearest < 0 || cosine[query][row] > cosine[query][nearest]) nearest = row;
    }
    if (!match_exists) continue;
    ++queries;
    if (same_of[nearest] == same_of[query]) ++found;
  }
  return queries == 0 ? std::nan("") : static_cast<double>(found) / static_cast<double>(queries);
}

TEST(Recall, IsThatOfLoops) {
  at::manual_seed(1);
  for (const int64_t rows : {2, 5, 60, 255, 256, 257, 600}) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
      const at::Tensor same = at::randint(0, rows / 3 + 1, {rows}, at::kLong);
      const at::Tensor other = at::randint(0, 4, {rows}, at::kLong);
      // Rows of one star lie near each other, so that some queries succeed.
      const at::Tensor centres = at::randn({rows / 3 + 1, 6});
      const at::Tensor latents = (centres.index_select(0, same) + 0.7 * at::randn({rows, 6})).to(type);
      const double expected = recall_in_loops(latents, same, other);
      const double actual = recall_at_1(latents, same, other);
      EXPECT_TRUE(actual == expected || (std::isnan(actual) && std::isnan(expected))) << actual << " " << expected;
    }
  }
}

TEST(Recall, KnowsExtremes) {
  const at::Tensor latents = at::tensor({1.0, 0.0, 1.0, 0.1, 0.0, 1.0, 0.1, 1.0}).view({4, 2});
  const at::Tensor other = at::tensor({0, 1, 0, 1}, at::kLong);
  EXPECT_EQ(recall_at_1(latents, at::tensor({7, 7, 8, 8}, at::kLong), other), 1.0);
  EXPECT_EQ(recall_at_1(latents, at::tensor({7, 8, 8, 7}, at::kLong), other), 0.0);
}

TEST(Recall, RowsWithoutAMatchAreLeftOut) {
  const at::Tensor latents = at::tensor({1.0, 0.0, 1.0, 0.1, 0.0, 1.0}).view({3, 2});
  EXPECT_EQ(recall_at_1(latents, at::tensor({7, 7, 8}, at::kLong), at::tensor({0, 1, 0}, at::kLong)), 1.0);
  EXPECT_TRUE(std::isnan(recall_at_1(latents, at::tensor({7, 8, 9}, at::kLong), at::tensor({0, 1, 2}, at::kLong))));
  EXPECT_TRUE(std::isnan(recall_at_1(latents, at::tensor({7, 7, 7}, at::kLong), at::tensor({1, 1, 1}, at::kLong))));
  EXPECT_TRUE(std::isnan(recall_at_1(at::empty({0, 2}), at::empty({0}, at::kLong), at::empty({0}, at::kLong))));
}

TEST(Recall, OfEqualCosinesTheLowestRowCounts) {
  // All 300 rows point the same way at different lengths; the nearest is the first row with another instrument.
  const at::Tensor latents = at::rand({300, 1}).add(0.5) * at::tensor({0.3, -0.7, 0.9}).view({1, 3});
  at::Tensor same = at::arange(300, at::kLong);
  at::Tensor other = at::ones({300}, at::kLong);
  other[5] = 0;
  other[9] = 0;
  same[5] = 1000;
  same[200] = 1000;
  same[9] = 1001;
  same[201] = 1001;
  // Queries 200 and 201 both meet row 5; queries 5 and 9 both meet row 0.
  EXPECT_EQ(recall_at_1(latents, same, other), 0.25);
}

TEST(Recall, WhatDoesNotFitIsRefused) {
  EXPECT_THROW(recall_at_1(at::ones({3}), at::ones({3}, at::kLong), at::ones({3}, at::kLong)), LossError);
  EXPECT_THROW(recall_at_1(at::ones({3, 2}), at::ones({2}, at::kLong), at::ones({3}, at::kLong)), LossError);
}

}  // namespace
}  // namespace causalfm::loss
