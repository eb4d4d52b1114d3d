#include "causalfm/comm/backends.hpp"
#include "loss/contrast_reference.hpp"
#include "loss/info_nce_tiled.hpp"
#include "loss/random_contrast.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

/// The path of CPU tensors against that of others, and on several threads.
namespace causalfm::loss {
namespace {

struct Result {
  double loss;
  at::Tensor gradient;
};

double largest(const at::Tensor& tensor) { return tensor.abs().max().item<double>(); }

class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

Result evaluate(const at::Tensor& projection, const ContrastLabels& labels, const InfoNceOptions& options,
                const Tiling& tiling, int thread_count) {
  const Threads threads(thread_count);
  const at::Tensor leaf = projection.detach().clone().requires_grad_(true);
  const auto single = comm::make_single();
  const at::Tensor loss = info_nce(leaf, labels, {leaf.size(0)}, options, *single, tiling);
  loss.backward();
  return {loss.item<double>(), leaf.grad()};
}

void expect_equal_paths(const RandomContrast& task, const InfoNceOptions& options, at::ScalarType type,
                        const Tiling& tiling, int thread_count) {
  const at::Tensor projection = task.projection.to(type);
  const double epsilon =
      type == at::kFloat ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  const double tolerance = 32.0 * epsilon * std::max(1.0, 1.0 / options.temperature);
  const Result threads = evaluate(projection, task.labels, options, tiling, thread_count);
  const Result tensors = evaluate(projection, task.labels, options, {ContrastPath::tensors, {}}, 1);
  EXPECT_NEAR(threads.loss, tensors.loss, tolerance * std::max(1.0, tensors.loss));
  EXPECT_LE(largest(threads.gradient - tensors.gradient), tolerance * largest(tensors.gradient) + 1e-30);
}

TEST(InfoNceThreads, AgreeWithTensorsOnManyTiles) {
  std::mt19937_64 random(1);
  for (const Abundance abundance : {Abundance::triplets, Abundance::grouped}) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
      expect_equal_paths(draw_contrast(random, abundance, 1301, 20), {0.1, false}, type, {}, 2);
    }
  }
}

TEST(InfoNceThreads, AgreeWithTensorsOnRandomShapes) {
  std::mt19937_64 random(2);
  const auto integer = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  for (int draw = 0; draw < 60; ++draw) {
    const Abundance abundance = every_abundance[integer(0, std::size(every_abundance) - 1)];
    const RandomContrast task = draw_contrast(random, abundance, integer(1, 300), integer(2, 70));
    const double temperature = std::pow(10.0, std::uniform_real_distribution<double>(-2.0, 1.0)(random));
    SCOPED_TRACE(testing::Message() << draw << " " << static_cast<int>(abundance) << " " << task.projection.sizes()
                                    << " " << temperature);
    expect_equal_paths(task, {temperature, integer(0, 1) == 0}, integer(0, 1) == 0 ? at::kFloat : at::kDouble,
                       {ContrastPath::by_device, TileSizes{integer(1, 90), integer(1, 90)}}, 1);
  }
}

TEST(InfoNceThreads, BitsDoNotDependOnTheNumberOfThreads) {
  std::mt19937_64 random(3);
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    for (const int64_t rows : {3, 40, 700}) {
      RandomContrast task = draw_contrast(random, Abundance::triplets, rows, 13);
      for (const bool all_anchors : {false, true}) {
        if (all_anchors) task.labels.anchor.fill_(true);
        const at::Tensor projection = task.projection.to(type);
        const auto on_threads = [&](int count) { return evaluate(projection, task.labels, {0.1, false}, {}, count); };
        const Result one = on_threads(1);
        for (const int count : {2, 3}) {
          const Result many = on_threads(count);
          EXPECT_EQ(many.loss, one.loss) << rows << " rows, " << count << " threads";
          EXPECT_TRUE(at::equal(many.gradient, one.gradient)) << rows << " rows, " << count << " threads";
        }
      }
    }
  }
}

TEST(InfoNceThreads, Float32StaysAccurateOverManyKeys) {
  std::mt19937_64 random(4);
  const RandomContrast task = draw_contrast(random, Abundance::triplets, 1000, 64);
  const at::Tensor projection = task.projection.to(at::kFloat);
  for (const double temperature : {0.05, 1.0}) {
    for (const bool inside : {true, false}) {
      const InfoNceOptions options{temperature, inside};
      const double tolerance = 16.0 * std::numeric_limits<float>::epsilon() * std::max(1.0, 1.0 / temperature);
      const Result actual = evaluate(projection, task.labels, options, {}, 2);
      const at::Tensor exact = projection.to(at::kDouble);
      EXPECT_NEAR(actual.loss, info_nce_of_matrix(exact, task.labels, options).item<double>(), tolerance);
      const at::Tensor gradient = reference_gradient(exact, task.labels, options);
      EXPECT_LE(largest(actual.gradient.to(at::kDouble) - gradient), tolerance * largest(gradient));
    }
  }
}

}  // namespace
}  // namespace causalfm::loss
