#include "causalfm/loss/latent_statistics.hpp"

#include "causalfm/loss/error.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace causalfm::loss {
namespace {

/// Pair after pair, as the equations stand.
LatentStatistics in_loops(const at::Tensor& latents, const at::Tensor& same, const at::Tensor& other) {
  const int64_t rows = latents.size(0), size = latents.size(1);
  const at::Tensor values = latents.to(at::kDouble).contiguous();
  const auto value = values.accessor<double, 2>();
  const int64_t *const same_of = same.const_data_ptr<int64_t>(), *const other_of = other.const_data_ptr<int64_t>();
  std::vector<std::vector<double>> unit(rows, std::vector<double>(size));
  for (int64_t row = 0; row < rows; ++row) {
    double square = 0.0;
    for (int64_t i = 0; i < size; ++i) square += std::pow(value[row][i], 2);
    for (int64_t i = 0; i < size; ++i) unit[row][i] = value[row][i] / std::sqrt(square);
  }
  double distances = 0.0, closeness = 0.0;
  int64_t positives = 0;
  for (int64_t one = 0; one < rows; ++one) {
    for (int64_t two = one + 1; two < rows; ++two) {
      double distance = 0.0;
      for (int64_t i = 0; i < size; ++i) distance += std::pow(unit[one][i] - unit[two][i], 2);
      closeness += std::exp(-2.0 * distance);
      if (same_of[one] != same_of[two] || other_of[one] == other_of[two]) continue;
      ++positives;
      distances += distance;
    }
  }
  return {0.0, distances / static_cast<double>(positives),
          std::log(closeness / (0.5 * static_cast<double>(rows) * static_cast<double>(rows - 1)))};
}

TEST(LatentStatistics, AlignmentAndUniformityAreThoseOfLoops) {
  at::manual_seed(1);
  for (const int64_t rows : {8, 40, 256, 259}) {
    const at::Tensor same = at::randint(0, rows / 3, {rows}, at::kLong);
    const at::Tensor other = at::randint(0, 4, {rows}, at::kLong);
    const at::Tensor latents = at::randn({rows / 3, 5}).index_select(0, same) + 0.6 * at::randn({rows, 5});
    const LatentStatistics expected = in_loops(latents, same, other);
    const LatentStatistics actual = latent_statistics(latents, same, other);
    EXPECT_NEAR(actual.alignment, expected.alignment, 1e-12) << rows;
    EXPECT_NEAR(actual.uniformity, expected.uniformity, 1e-12) << rows;
    EXPECT_GT(actual.alignment, 0.05);
  }
}

/// Rows whose singular values are known: an orthonormal basis times them.
at::Tensor with_singular_values(const std::vector<double>& values, int64_t rows) {
  const auto size = static_cast<int64_t>(values.size());
  const at::Tensor left = std::get<0>(at::linalg_qr(at::randn({rows, size}, at::kDouble)));
  const at::Tensor right = std::get<0>(at::linalg_qr(at::randn({size, size}, at::kDouble)));
  return left.mul(at::tensor(values, at::kDouble)).matmul(right);
}

double effective_rank(const at::Tensor& latents) {
  const at::Tensor labels = at::zeros({latents.size(0)}, at::kLong);
  return latent_statistics(latents, labels, labels).effective_rank;
}

TEST(LatentStatistics, EffectiveRankIsTheExponentialOfTheEntropyOfSingularValues) {
  at::manual_seed(2);
  EXPECT_NEAR(effective_rank(with_singular_values({3, 3, 3, 3}, 50)), 4.0, 1e-10);
  EXPECT_NEAR(effective_rank(with_singular_values({7, 0, 0}, 50)), 1.0, 1e-6);
  // Shares 1/2, 1/4, 1/8, 1/8: entropy 7/4 log 2.
  EXPECT_NEAR(effective_rank(with_singular_values({4, 2, 1, 1}, 50)), std::exp2(1.75), 1e-10);
  EXPECT_NEAR(effective_rank(1e-5 * with_singular_values({4, 2, 1, 1}, 50)), std::exp2(1.75), 1e-10);
  EXPECT_EQ(effective_rank(at::zeros({50, 3})), 0.0);
}

TEST(LatentStatistics, ACollapsedSpaceHasRankOneHoweverItsNoiseIsSpread) {
  at::manual_seed(3);
  const at::Tensor labels = at::arange(90, at::kLong).remainder(3);
  const at::Tensor latents = at::randn({1, 8}, at::kDouble) + 1e-6 * at::randn({90, 8}, at::kDouble);
  const LatentStatistics found = latent_statistics(latents, labels, at::arange(90, at::kLong));
  EXPECT_NEAR(found.effective_rank, 1.0, 1e-3);
  EXPECT_NEAR(found.alignment, 0.0, 1e-9);
  EXPECT_NEAR(found.uniformity, 0.0, 1e-9);
}

TEST(LatentStatistics, OppositePairsAreAsFarApartAsCanBe) {
  const at::Tensor latents = at::tensor({1.0, 0.0, -2.0, 0.0, 0.0, 3.0, 0.0, -0.5}).view({4, 2});
  const LatentStatistics found =
      latent_statistics(latents, at::tensor({7, 7, 8, 8}, at::kLong), at::tensor({0, 1, 0, 1}, at::kLong));
  EXPECT_NEAR(found.alignment, 4.0, 1e-12);
  EXPECT_NEAR(found.uniformity, std::log((2 * std::exp(-8.0) + 4 * std::exp(-4.0)) / 6), 1e-12);
  EXPECT_NEAR(found.effective_rank,
              std::exp(-(std::sqrt(5.0) * std::log(std::sqrt(5.0) / (std::sqrt(5.0) + std::sqrt(9.25))) +
                         std::sqrt(9.25) * std::log(std::sqrt(9.25) / (std::sqrt(5.0) + std::sqrt(9.25)))) /
                       (std::sqrt(5.0) + std::sqrt(9.25))),
              1e-10);
}

TEST(LatentStatistics, OfManyRowsSomeAreLookedAtEvenly) {
  at::manual_seed(4);
  const int64_t rows = 3 * most_rows_of_statistics;
  const at::Tensor every_third = at::arange(most_rows_of_statistics, at::kLong) * 3;
  const at::Tensor latents = at::randn({rows, 4}), same = at::randint(0, 900, {rows}, at::kLong),
                   other = at::randint(0, 5, {rows}, at::kLong);
  const LatentStatistics all = latent_statistics(latents, same, other);
  const LatentStatistics third = latent_statistics(
      latents.index_select(0, every_third), same.index_select(0, every_third), other.index_select(0, every_third));
  EXPECT_EQ(all.effective_rank, third.effective_rank);
  EXPECT_EQ(all.alignment, third.alignment);
  EXPECT_EQ(all.uniformity, third.uniformity);
}

TEST(LatentStatistics, NothingToTellOfIsNan) {
  const at::Tensor labels = at::zeros({3}, at::kLong);
  at::Tensor latents = at::ones({3, 2});
  EXPECT_TRUE(std::isnan(latent_statistics(latents, labels, labels).alignment));
  EXPECT_TRUE(std::isnan(
      latent_statistics(latents.narrow(0, 0, 1), labels.narrow(0, 0, 1), labels.narrow(0, 0, 1)).uniformity));
  EXPECT_TRUE(
      std::isnan(latent_statistics(at::empty({0, 2}), labels.narrow(0, 0, 0), labels.narrow(0, 0, 0)).effective_rank));
  latents[1][1] = std::numeric_limits<double>::quiet_NaN();
  const LatentStatistics found = latent_statistics(latents, labels, at::arange(3, at::kLong));
  EXPECT_TRUE(std::isnan(found.effective_rank) && std::isnan(found.alignment) && std::isnan(found.uniformity));
}

TEST(LatentStatistics, WhatDoesNotFitIsRefused) {
  const at::Tensor labels = at::zeros({3}, at::kLong);
  EXPECT_THROW(latent_statistics(at::ones({3}), labels, labels), LossError);
  EXPECT_THROW(latent_statistics(at::ones({2, 2}), labels, labels), LossError);
}

}  // namespace
}  // namespace causalfm::loss
