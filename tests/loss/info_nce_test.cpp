#include "causalfm/loss/info_nce.hpp"

#include "causalfm/comm/backends.hpp"
#include "causalfm/loss/error.hpp"
#include "loss/contrast_reference.hpp"
#include "loss/info_nce_tiled.hpp"
#include "loss/random_contrast.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>

namespace causalfm::loss {
namespace {

/// Lives as long as any graph that holds it.
comm::Communicator& one_rank() {
  static const auto single = comm::make_single();
  return *single;
}

ContrastLabels labels_of(const std::vector<int64_t>& same, const std::vector<int64_t>& other) {
  return {at::tensor(same, at::kLong), at::tensor(other, at::kLong), at::Tensor(),
          at::ones({static_cast<int64_t>(same.size())}, at::kBool)};
}

class InfoNce : public testing::TestWithParam<ContrastPath> {
 protected:
  static at::Tensor on_one_rank(const at::Tensor& projection, const ContrastLabels& labels,
                                const InfoNceOptions& options, const std::optional<TileSizes>& sizes = {}) {
    return info_nce(projection, labels, {projection.size(0)}, options, one_rank(), {GetParam(), sizes});
  }
};

INSTANTIATE_TEST_SUITE_P(, InfoNce, testing::ValuesIn(every_path), path_name);

TEST_P(InfoNce, IsItsDefinition) {
  std::mt19937_64 random(1);
  for (const Abundance abundance : every_abundance) {
    for (const double temperature : {0.01, 0.05, 0.3, 1.0, 10.0}) {
      for (const bool inside : {true, false}) {
        for (const int64_t rows : {1, 2, 7, 40}) {
          const RandomContrast task = draw_contrast(random, abundance, rows, 6);
          const InfoNceOptions options{temperature, inside};
          const double expected = info_nce_in_loops(task.projection, task.labels, options);
          const double actual = on_one_rank(task.projection, task.labels, options).item<double>();
          EXPECT_NEAR(actual, expected, 1e-12 * std::max(1.0, expected) / std::min(1.0, temperature))
              << static_cast<int>(abundance) << " " << temperature << " " << inside << " " << rows;
        }
      }
    }
  }
}

TEST_P(InfoNce, DoesNotDependOnTheSizeOfTiles) {
  std::mt19937_64 random(2);
  for (const Abundance abundance : every_abundance) {
    for (const bool inside : {true, false}) {
      const RandomContrast task = draw_contrast(random, abundance, 23, 8);
      const double whole = on_one_rank(task.projection, task.labels, {0.1, inside}).item<double>();
      for (const TileSizes tiles : {TileSizes{1, 1}, {3, 7}, {7, 3}, {23, 10}, {10, 23}, {24, 24}}) {
        EXPECT_NEAR(on_one_rank(task.projection, task.labels, {0.1, inside}, tiles).item<double>(), whole, 1e-13);
      }
    }
  }
}

TEST_P(InfoNce, IsExactlyZeroWithoutNegatives) {
  std::mt19937_64 random(3);
  const RandomContrast task = draw_contrast(random, Abundance::all_positives, 30, 5);
  const at::Tensor projection = task.projection.to(at::kFloat).requires_grad_(true);
  const at::Tensor loss = on_one_rank(projection, task.labels, {0.01, true});
  loss.backward();
  EXPECT_EQ(loss.item<float>(), 0.0F);
  EXPECT_TRUE(at::equal(projection.grad(), at::zeros_like(projection)));
}

TEST(AnchorLosses, AreExactAtAnyDistanceBetweenPositivesAndNegatives) {
  const auto scalar = [](double value) { return at::full({1}, value, at::kDouble); };
  for (double distance = -60.0; distance <= 60.0; distance += 0.5) {
    const AnchorStatistics statistics{scalar(0.0), scalar(distance), scalar(0.0), scalar(1.0)};
    const auto expected = static_cast<double>(std::log1p(std::exp(static_cast<long double>(distance))));
    for (const bool inside : {true, false}) {
      EXPECT_NEAR(anchor_losses(statistics, inside).item<double>(), expected, 1e-15 * expected) << distance;
    }
  }
}

TEST_P(InfoNce, AnchorsWithoutPositiveAreLeftOutOfTheMean) {
  const at::Tensor projection = at::tensor({1.0, 0.0, 0.6, 0.8, 0.0, 1.0}, at::kDouble).view({3, 2});
  // Rows 0 and 1 are a pair; row 2 has no positive but is a negative of both.
  const double actual = on_one_rank(projection, labels_of({1, 1, 2}, {1, 2, 1}), {0.5, true}).item<double>();
  const double first = std::log1p(std::exp((0.0 - 0.6) / 0.5));
  const double second = std::log1p(std::exp((0.8 - 0.6) / 0.5));
  EXPECT_NEAR(actual, (first + second) / 2, 1e-15);
}

TEST_P(InfoNce, RowsOfTheSameStarAndInstrumentAreInNeitherSet) {
  std::mt19937_64 random(4);
  const RandomContrast task = draw_contrast(random, Abundance::one_positive, 2, 4);
  const at::Tensor twice = at::cat({task.projection, at::randn({5, 4}, at::kDouble)});
  ContrastLabels labels = labels_of({1, 1, 1, 1, 1, 1, 1}, {1, 2, 1, 1, 1, 1, 1});
  labels.anchor.fill_(false)[0] = true;
  // Row 1 alone is positive, nothing is negative: duplicates of the anchor change nothing.
  EXPECT_EQ(on_one_rank(twice, labels, {0.1, true}).item<double>(), 0.0);
  EXPECT_EQ(on_one_rank(twice, labels, {0.1, false}).item<double>(), 0.0);
}

TEST_P(InfoNce, RowsOfOneGroupAreNeverNegatives) {
  const at::Tensor projection = at::randn({3, 4}, at::kDouble);
  ContrastLabels labels = labels_of({1, 1, 2}, {1, 2, 1});
  labels.group = at::tensor({7, 7, 7}, at::kLong);
  EXPECT_EQ(on_one_rank(projection, labels, {0.1, true}).item<double>(), 0.0);
  labels.group = at::tensor({-1, -1, -1}, at::kLong);
  EXPECT_GT(on_one_rank(projection, labels, {0.1, true}).item<double>(), 0.0);
}

TEST_P(InfoNce, SurvivesLogitsWhoseExponentialOverflows) {
  std::mt19937_64 random(6);
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const RandomContrast task = draw_contrast(random, Abundance::mixed, 30, 4);
    const InfoNceOptions options{0.001, true};
    const at::Tensor projection = task.projection.to(type).requires_grad_(true);
    const at::Tensor loss = on_one_rank(projection, task.labels, options, TileSizes{8, 8});
    loss.backward();
    const double expected = info_nce_in_loops(projection, task.labels, options);
    EXPECT_NEAR(loss.item<double>(), expected, expected * (type == at::kFloat ? 1e-5 : 1e-12));
    EXPECT_TRUE(projection.grad().isfinite().all().item<bool>());
  }
}

TEST_P(InfoNce, ZeroRowsHaveNoDirectionAndNoGradient) {
  std::mt19937_64 random(7);
  RandomContrast task = draw_contrast(random, Abundance::triplets, 30, 4);
  task.projection[0].zero_();
  task.projection[10].zero_();
  const at::Tensor projection = task.projection.requires_grad_(true);
  const at::Tensor loss = on_one_rank(projection, task.labels, {0.1, true});
  loss.backward();
  EXPECT_NEAR(loss.item<double>(), info_nce_in_loops(projection, task.labels, {0.1, true}), 1e-11);
  EXPECT_TRUE(projection.grad().isfinite().all().item<bool>());
  EXPECT_EQ(projection.grad()[0].abs().sum().item<double>(), 0.0);
  EXPECT_GT(projection.grad()[1].abs().sum().item<double>(), 0.0);
}

TEST_P(InfoNce, NanReachesTheLoss) {
  std::mt19937_64 random(8);
  RandomContrast task = draw_contrast(random, Abundance::triplets, 9, 4);
  task.projection[3][1] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(on_one_rank(task.projection, task.labels, {0.1, true}).item<double>()));
}

TEST_P(InfoNce, RepeatsBitForBit) {
  std::mt19937_64 random(9);
  const RandomContrast task = draw_contrast(random, Abundance::triplets, 300, 16);
  const auto gradient = [&] {
    const at::Tensor projection = task.projection.to(at::kFloat).requires_grad_(true);
    on_one_rank(projection, task.labels, {0.1, false}, TileSizes{64, 100}).backward();
    return projection.grad();
  };
  EXPECT_TRUE(at::equal(gradient(), gradient()));
}

TEST(InfoNceArguments, WhatDoesNotFitIsRefused) {
  const at::Tensor projection = at::ones({3, 2});
  const ContrastLabels labels = labels_of({1, 1, 2}, {1, 2, 1});
  EXPECT_THROW(info_nce(projection, labels, {3}, {0.0, true}, one_rank()), LossError);
  EXPECT_THROW(info_nce(projection, labels, {4}, {0.1, true}, one_rank()), LossError);
  EXPECT_THROW(info_nce(projection, labels, {3, 0}, {0.1, true}, one_rank()), LossError);
  EXPECT_THROW(info_nce(projection.to(at::kHalf), labels, {3}, {0.1, true}, one_rank()), LossError);
  EXPECT_THROW(info_nce(at::Tensor(), labels, {3}, {0.1, true}, one_rank()), LossError);
  EXPECT_THROW(info_nce(projection, labels_of({1, 1}, {1, 2}), {3}, {0.1, true}, one_rank()), LossError);
  ContrastLabels narrow = labels;
  narrow.other = labels.other.to(at::kInt);
  EXPECT_THROW(info_nce(projection, narrow, {3}, {0.1, true}, one_rank()), LossError);
}

}  // namespace
}  // namespace causalfm::loss
