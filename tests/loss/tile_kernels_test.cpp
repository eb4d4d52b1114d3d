#include "loss/tile_kernels.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

/// Every instruction set that this processor has, against loops in extended precision.
namespace causalfm::loss {
namespace {

constexpr long double minus_infinity = -std::numeric_limits<long double>::infinity();

template <class Scalar>
struct RandomTile {
  RandomTile(std::mt19937_64& random, int64_t anchors, int64_t keys, bool grouped, double deviation)
      : anchors(anchors), keys(keys), stride(keys + 3), grouped(grouped) {
    std::normal_distribution<double> normal(0.0, deviation);
    const auto labels = [&](int64_t count) {
      std::vector<Label<Scalar>> drawn(count);
      for (auto& label : drawn) label = std::uniform_int_distribution<int>(-1, 2)(random);
      return drawn;
    };
    values.resize(anchors * stride);
    std::generate(values.begin(), values.end(), [&] { return static_cast<Scalar>(normal(random)); });
    for (auto* of_anchors : {&same_of_anchors, &other_of_anchors, &group_of_anchors}) *of_anchors = labels(anchors);
    for (auto* of_keys : {&same_of_keys, &other_of_keys, &group_of_keys}) *of_keys = labels(keys);
  }

  SimilarityTile<Scalar> view() {
    return {values.data(),
            stride,
            anchors,
            keys,
            {same_of_anchors.data(), other_of_anchors.data(), grouped ? group_of_anchors.data() : nullptr},
            {same_of_keys.data(), other_of_keys.data(), grouped ? group_of_keys.data() : nullptr}};
  }

  bool positive(int64_t anchor, int64_t key) const {
    return same_of_anchors[anchor] == same_of_keys[key] && other_of_anchors[anchor] != other_of_keys[key];
  }
  bool negative(int64_t anchor, int64_t key) const {
    return same_of_anchors[anchor] != same_of_keys[key] && !(grouped && group_of_anchors[anchor] == group_of_keys[key]);
  }

  int64_t anchors;
  int64_t keys;
  int64_t stride;
  bool grouped;
  std::vector<Scalar> values;
  std::vector<Label<Scalar>> same_of_anchors, other_of_anchors, group_of_anchors;
  std::vector<Label<Scalar>> same_of_keys, other_of_keys, group_of_keys;
};

template <class Scalar>
class TileKernelsOf : public testing::Test {
 protected:
  static constexpr Scalar epsilon = std::numeric_limits<Scalar>::epsilon();
  static constexpr RunningStatistics<Scalar> nothing{
      -std::numeric_limits<Scalar>::infinity(), -std::numeric_limits<Scalar>::infinity(), 0.0, 0.0, 0.0, 0};

  /// Of one anchor over all tiles.
  static void expect_statistics(const std::vector<RandomTile<Scalar>>& tiles, int64_t anchor,
                                const RunningStatistics<Scalar>& actual) {
    std::vector<long double> positives;
    std::vector<long double> negatives;
    for (const auto& tile : tiles) {
      for (int64_t key = 0; key < tile.keys; ++key) {
        const Scalar value = tile.values[anchor * tile.stride + key];
        if (tile.positive(anchor, key)) positives.push_back(value);
        if (tile.negative(anchor, key)) negatives.push_back(value);
      }
    }
    long double similarity_sum = 0.0L;
    long double magnitude = 0.0L;
    for (const long double s : positives) similarity_sum += s;
    for (const long double s : positives) magnitude += std::abs(s);
    EXPECT_EQ(actual.positives, static_cast<int64_t>(positives.size()));
    EXPECT_NEAR(actual.similarity_sum, static_cast<double>(similarity_sum),
                static_cast<double>(8 * epsilon * magnitude));
    expect_sum(positives, actual.greatest_positive, actual.positive_sum);
    expect_sum(negatives, actual.greatest_negative, actual.negative_sum);
  }

  static void expect_sum(const std::vector<long double>& similarities, Scalar greatest, double sum) {
    long double expected_greatest = minus_infinity;
    for (const long double s : similarities) expected_greatest = std::max(expected_greatest, s);
    EXPECT_EQ(static_cast<long double>(greatest), expected_greatest);
    long double expected = 0.0L;
    for (const long double s : similarities) expected += std::exp(s - expected_greatest);
    // The difference s - greatest is rounded before its exponential is taken.
    EXPECT_NEAR(sum, static_cast<double>(expected), static_cast<double>(8 * epsilon * expected));
  }
};

using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(TileKernelsOf, Scalars);

TYPED_TEST(TileKernelsOf, StatisticsAreThoseOfLoops) {
  std::mt19937_64 random(1);
  for (const TileKernels* kernels : supported_tile_kernels()) {
    for (const bool grouped : {false, true}) {
      for (const double deviation : {0.1, 3.0, 400.0}) {
        for (const int64_t keys : {1, 2, 7, 8, 15, 16, 17, 31, 130, 300}) {
          std::vector<RandomTile<TypeParam>> tiles;
          for (int tile = 0; tile < 3; ++tile) tiles.emplace_back(random, 5, keys, grouped, deviation);
          std::vector<RunningStatistics<TypeParam>> statistics(5, this->nothing);
          for (auto& tile : tiles) {
            tile.same_of_anchors = tiles[0].same_of_anchors;
            tile.other_of_anchors = tiles[0].other_of_anchors;
            tile.group_of_anchors = tiles[0].group_of_anchors;
            passes_of<TypeParam>(*kernels).accumulate(tile.view(), statistics.data());
          }
          SCOPED_TRACE(testing::Message() << kernels->instruction_set << " " << keys << " " << deviation);
          for (int64_t anchor = 0; anchor < 5; ++anchor) this->expect_statistics(tiles, anchor, statistics[anchor]);
        }
      }
    }
  }
}

TYPED_TEST(TileKernelsOf, GradientsAreThoseOfLoopsAndStayInTheTile) {
  std::mt19937_64 random(2);
  const std::vector<TypeParam> lme = {1.0, -2.0, 3.0}, lse = {4.0, 5.0, 0.5}, at_positives = {-0.3, 2.0, 0.7},
                               excess = {0.0, 0.25, -1.0}, at_negatives = {0.1, 3.0, 0.0};
  for (const TileKernels* kernels : supported_tile_kernels()) {
    for (const bool grouped : {false, true}) {
      for (const int64_t keys : {1, 3, 8, 16, 29, 64, 131}) {
        RandomTile<TypeParam> tile(random, 3, keys, grouped, 2.0);
        const RandomTile<TypeParam> before = tile;
        passes_of<TypeParam>(*kernels).differentiate(
            tile.view(), {lme.data(), lse.data(), at_positives.data(), excess.data(), at_negatives.data()});
        for (int64_t index = 0; index < 3 * tile.stride; ++index) {
          const int64_t a = index / tile.stride;
          const int64_t key = index % tile.stride;
          const long double s = before.values[index];
          long double expected = key < keys ? 0.0L : s;
          if (key < keys && before.positive(a, key)) {
            expected = at_positives[a] * std::exp(s - lme[a]) + excess[a] * std::expm1(s - lme[a]);
          }
          if (key < keys && before.negative(a, key)) expected = at_negatives[a] * std::exp(s - lse[a]);
          const long double scale = std::exp(s - (before.same_of_anchors[a] == 0 ? lme[a] : lse[a])) + 1.0L;
          EXPECT_NEAR(tile.values[index], expected, 16 * this->epsilon * (std::abs(expected) + scale))
              << kernels->instruction_set << " " << keys << " " << key;
        }
      }
    }
  }
}

/// e^s and e^s - 1 as a tile of positives shows them.
template <class Scalar>
std::vector<Scalar> exponentials(const TileKernels& kernels, std::vector<Scalar> values, Scalar at_positives,
                                 Scalar excess) {
  const std::vector<Label<Scalar>> ones(values.size(), 1);
  const std::vector<Label<Scalar>> zeros(values.size(), 0);
  const Scalar zero = 0;
  const auto count = static_cast<int64_t>(values.size());
  passes_of<Scalar>(kernels).differentiate(
      {values.data(), count, 1, count, {ones.data(), ones.data(), nullptr}, {ones.data(), zeros.data(), nullptr}},
      {&zero, &zero, &at_positives, &excess, &zero});
  return values;
}

TYPED_TEST(TileKernelsOf, ExponentialsAreAccurateToTwoUnitsInTheLastPlace) {
  std::mt19937_64 random(3);
  std::vector<TypeParam> values = {0.0, -0.0, 0.34657359, -0.34657359, 1e-30, -1e-30, 10.0};
  for (const double bound : {1e-6, 0.1, 1.0, 20.0}) {
    std::uniform_real_distribution<double> uniform(-3.0 * bound, bound);
    for (int draw = 0; draw < 20000; ++draw) values.push_back(static_cast<TypeParam>(uniform(random)));
  }
  for (const TileKernels* kernels : supported_tile_kernels()) {
    const auto exp = exponentials<TypeParam>(*kernels, values, 1, 0);
    const auto expm1 = exponentials<TypeParam>(*kernels, values, 0, 1);
    long double worst = 0.0L;
    long double worst_less_one = 0.0L;
    for (size_t index = 0; index < values.size(); ++index) {
      const long double expected = std::exp(static_cast<long double>(values[index]));
      const long double less_one = std::expm1(static_cast<long double>(values[index]));
      worst = std::max(worst, std::abs(exp[index] - expected) / expected);
      if (less_one != 0.0L) worst_less_one = std::max(worst_less_one, std::abs((expm1[index] - less_one) / less_one));
    }
    EXPECT_LT(worst, this->epsilon) << kernels->instruction_set;
    EXPECT_LT(worst_less_one, 3 * this->epsilon) << kernels->instruction_set;
  }
}

TYPED_TEST(TileKernelsOf, FarBelowZeroExponentialsAreZero) {
  const TypeParam infinity = std::numeric_limits<TypeParam>::infinity();
  const std::vector<TypeParam> values = {-700.0, -1e6, -1e30, -infinity, -1e9, -601.0, -1e12, -1e20, -1e15};
  for (const TileKernels* kernels : supported_tile_kernels()) {
    EXPECT_THAT(exponentials<TypeParam>(*kernels, values, 1, 0), testing::Each(TypeParam{0}));
    EXPECT_THAT(exponentials<TypeParam>(*kernels, values, 0, 1), testing::Each(TypeParam{-1}));
  }
}

TYPED_TEST(TileKernelsOf, NanPassesThroughItsOwnSetOnly) {
  std::mt19937_64 random(4);
  for (const TileKernels* kernels : supported_tile_kernels()) {
    for (const bool alone : {false, true}) {
      RandomTile<TypeParam> tile(random, 1, 21, false, 1.0);
      tile.same_of_anchors[0] = 1;
      tile.other_of_anchors[0] = 1;
      std::fill(tile.same_of_keys.begin(), tile.same_of_keys.end(), 2);
      for (const int64_t key : {4, 5, 18}) tile.same_of_keys[key] = 1;
      for (const int64_t key : {4, 5, 18}) tile.other_of_keys[key] = !alone || key == 18 ? 2 : 1;
      for (const TypeParam nan :
           {std::numeric_limits<TypeParam>::quiet_NaN(), -std::numeric_limits<TypeParam>::quiet_NaN()}) {
        tile.values[18] = nan;
        std::vector<RunningStatistics<TypeParam>> statistics(1, this->nothing);
        passes_of<TypeParam>(*kernels).accumulate(tile.view(), statistics.data());
        EXPECT_TRUE(std::isnan(statistics[0].positive_sum)) << kernels->instruction_set;
        EXPECT_TRUE(std::isnan(statistics[0].similarity_sum)) << kernels->instruction_set;
        EXPECT_FALSE(std::isnan(statistics[0].negative_sum)) << kernels->instruction_set;
        const auto gradients = exponentials<TypeParam>(*kernels, {1, nan, 2}, 1, 0);
        EXPECT_FALSE(std::isnan(gradients[0]));
        EXPECT_TRUE(std::isnan(gradients[1]));
      }
    }
  }
}

}  // namespace
}  // namespace causalfm::loss
