#include "causalfm/comm/backends.hpp"
#include "loss/contrast_reference.hpp"
#include "loss/info_nce_tiled.hpp"
#include "loss/random_contrast.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <optional>

namespace causalfm::loss {
namespace {

double largest(const at::Tensor& tensor) { return tensor.numel() == 0 ? 0.0 : tensor.abs().max().item<double>(); }

class InfoNceGradient : public testing::TestWithParam<ContrastPath> {
 protected:
  static at::Tensor gradient_of(const at::Tensor& projection, const ContrastLabels& labels,
                                const InfoNceOptions& options, const std::optional<TileSizes>& sizes) {
    const at::Tensor leaf = projection.detach().clone().requires_grad_(true);
    info_nce(leaf, labels, {leaf.size(0)}, options, *comm::make_single(), {GetParam(), sizes}).backward();
    return leaf.grad();
  }
};

INSTANTIATE_TEST_SUITE_P(, InfoNceGradient, testing::ValuesIn(every_path), path_name);

TEST_P(InfoNceGradient, IsThatOfTheWholeMatrix) {
  std::mt19937_64 random(1);
  for (const Abundance abundance : every_abundance) {
    for (const double temperature : {0.01, 0.1, 1.0, 10.0}) {
      for (const bool inside : {true, false}) {
        for (const std::optional<TileSizes> sizes : {std::optional<TileSizes>{}, {TileSizes{5, 7}}}) {
          const RandomContrast task = draw_contrast(random, abundance, 31, 6);
          const InfoNceOptions options{temperature, inside};
          const at::Tensor expected = reference_gradient(task.projection, task.labels, options);
          const at::Tensor actual = gradient_of(task.projection, task.labels, options, sizes);
          EXPECT_LE(largest(actual - expected), 1e-12 * std::max(1.0, 1.0 / temperature) * (1.0 + largest(expected)))
              << static_cast<int>(abundance) << " " << temperature << " " << inside;
        }
      }
    }
  }
}

TEST_P(InfoNceGradient, IsThatOfFiniteDifferences) {
  std::mt19937_64 random(2);
  for (const Abundance abundance : every_abundance) {
    for (const bool inside : {true, false}) {
      const RandomContrast task = draw_contrast(random, abundance, 9, 3);
      const InfoNceOptions options{0.3, inside};
      const at::Tensor gradient = gradient_of(task.projection, task.labels, options, TileSizes{4, 4});
      const double step = 1e-6;
      for (int64_t element = 0; element < task.projection.numel(); ++element) {
        const auto loss_at = [&](double shift) {
          at::Tensor moved = task.projection.clone();
          moved.view(-1)[element] += shift;
          return info_nce_in_loops(moved, task.labels, options);
        };
        const double difference = (loss_at(step) - loss_at(-step)) / (2.0 * step);
        EXPECT_NEAR(gradient.view(-1)[element].item<double>(), difference, 1e-8) << element;
      }
    }
  }
}

TEST_P(InfoNceGradient, IsScaledByWhatComesFromAbove) {
  std::mt19937_64 random(3);
  const RandomContrast task = draw_contrast(random, Abundance::triplets, 12, 4);
  const at::Tensor leaf = task.projection.clone().requires_grad_(true);
  const auto single = comm::make_single();
  const at::Tensor loss = info_nce(leaf, task.labels, {12}, {0.2, true}, *single);
  (3.0 * loss * loss).backward();
  const at::Tensor expected = 6.0 * loss.item<double>() * gradient_of(task.projection, task.labels, {0.2, true}, {});
  EXPECT_LE(largest(leaf.grad() - expected), 1e-13);
}

TEST_P(InfoNceGradient, GradModeAloneDecidesWhetherThereIsAny) {
  std::mt19937_64 random(4);
  const RandomContrast task = draw_contrast(random, Abundance::triplets, 12, 4);
  const auto single = comm::make_single();
  EXPECT_TRUE(info_nce(task.projection, task.labels, {12}, {0.2, true}, *single).requires_grad());
  const at::Tensor leaf = task.projection.clone().requires_grad_(true);
  const at::NoGradGuard no_grad;
  EXPECT_FALSE(info_nce(leaf, task.labels, {12}, {0.2, true}, *single).requires_grad());
}

}  // namespace
}  // namespace causalfm::loss
