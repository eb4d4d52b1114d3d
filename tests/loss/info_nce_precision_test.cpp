#include "causalfm/comm/backends.hpp"
#include "loss/contrast_reference.hpp"
#include "loss/info_nce_tiled.hpp"
#include "loss/random_contrast.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

/// Float32 against the definition in higher precision at the same float32 projections.
namespace causalfm::loss {
namespace {

constexpr double epsilon = std::numeric_limits<float>::epsilon();

struct Float32Result {
  double loss;
  at::Tensor gradient;
};

class InfoNcePrecision : public testing::TestWithParam<ContrastPath> {
 protected:
  static Float32Result in_float32(const at::Tensor& projection, const ContrastLabels& labels,
                                  const InfoNceOptions& options) {
    const at::Tensor leaf = projection.detach().clone().requires_grad_(true);
    const auto single = comm::make_single();
    const at::Tensor loss = info_nce(leaf, labels, {leaf.size(0)}, options, *single, {GetParam(), TileSizes{32, 64}});
    loss.backward();
    return {loss.item<double>(), leaf.grad().to(at::kDouble)};
  }
};

INSTANTIATE_TEST_SUITE_P(, InfoNcePrecision, testing::ValuesIn(every_path), path_name);

TEST_P(InfoNcePrecision, Float32StaysWithinSixteenEpsilonOverTemperature) {
  std::mt19937_64 random(1);
  for (const Abundance abundance : every_abundance) {
    for (const double temperature : {0.01, 0.05, 0.1, 0.5, 1.0, 10.0}) {
      for (const bool inside : {true, false}) {
        const RandomContrast task = draw_contrast(random, abundance, 150, 32);
        const at::Tensor projection = task.projection.to(at::kFloat);
        const InfoNceOptions options{temperature, inside};
        const double tolerance = 16.0 * epsilon * std::max(1.0, 1.0 / temperature);
        const Float32Result actual = in_float32(projection, task.labels, options);
        EXPECT_NEAR(actual.loss, info_nce_in_loops(projection, task.labels, options), tolerance)
            << static_cast<int>(abundance) << " " << temperature << " " << inside;
        const at::Tensor expected = reference_gradient(projection, task.labels, options);
        EXPECT_LE((actual.gradient - expected).abs().max().item<double>(),
                  tolerance * expected.abs().max().item<double>() + 1e-30)
            << static_cast<int>(abundance) << " " << temperature << " " << inside;
      }
    }
  }
}

/// Anchor and positive nearly alike, negatives far: where log-sum-exp of all minus that of positives would be 0.
TEST_P(InfoNcePrecision, SmallLossesAtSmallTemperaturesAreNotLost) {
  const at::Tensor projection =
      at::tensor({1.0, 0.01, 0.0, 1.0, 0.0, 0.01, 0.86, 0.5, 0.1, 0.84, -0.5, 0.2}, at::kFloat).view({4, 3});
  ContrastLabels labels{at::tensor({1, 1, 2, 3}, at::kLong), at::tensor({1, 2, 1, 2}, at::kLong), at::Tensor(),
                        at::tensor({1, 1, 0, 0}).to(at::kBool)};
  for (const bool inside : {true, false}) {
    const InfoNceOptions options{0.01, inside};
    const Float32Result actual = in_float32(projection, labels, options);
    const double expected = info_nce_in_loops(projection, labels, {0.01, true});
    ASSERT_LT(expected, 1e-5);
    EXPECT_NEAR(actual.loss, expected, 1e-4 * expected);
    const at::Tensor gradient = reference_gradient(projection, labels, {0.01, true});
    EXPECT_LE((actual.gradient - gradient).abs().max().item<double>(), 1e-4 * gradient.abs().max().item<double>());
  }
}

}  // namespace
}  // namespace causalfm::loss
