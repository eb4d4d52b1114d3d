#include "evaluation/perceptron.hpp"

#include "evaluation/perceptron_fits.hpp"
#include "evaluation/perceptron_training.hpp"
#include "evaluation/random_table.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace causalfm::evaluation {
namespace {

/// AdamW's first step moves every parameter by the learning rate against its gradient's sign, and by no more than
/// rounding where there is none: the sign of each analytic derivative is compared with a difference quotient's.
void expect_first_step_goes_down(const at::Tensor& target, int64_t outputs) {
  const at::Tensor features = random_table(12, 1, 5).features;
  Perceptron moved(10, 8, outputs, 1, 0);
  Perceptron probe(10, 8, outputs, 1, 0);
  const at::Tensor start = probe.parameters().clone();
  moved.learn(features, target, {1e-3, 0.0});
  const at::Tensor step = moved.parameters() - start;
  int64_t compared = 0;
  for (int64_t i = 0; i < start.numel(); ++i) {
    double loss[2];
    for (int side = 0; side < 2; ++side) {
      probe.parameters().copy_(start);
      probe.parameters()[i] += side == 0 ? -3e-3 : 3e-3;
      loss[side] = perceptron_loss(probe(features), target);
    }
    const double slope = (loss[1] - loss[0]) / 6e-3;
    if (std::abs(slope) < 2e-3) continue;
    ++compared;
    EXPECT_NEAR(step[i].item<double>(), slope > 0.0 ? -1e-3 : 1e-3, 1e-5) << "parameter " << i;
  }
  EXPECT_GT(compared, start.numel() / 3);
}

TEST(Perceptron, GoesDownTheSquaredError) {
  expect_first_step_goes_down(random_table(12, 1, 6).features.narrow(1, 0, 1) * 5.0F, 1);
}

TEST(Perceptron, GoesDownTheCrossEntropy) { expect_first_step_goes_down(random_table(12, 1, 6).instrument, 4); }

TEST(Perceptron, LearnsWhatItIsShown) {
  const RandomTable table = random_table(64, 1, 2);
  Perceptron perceptron(10, 64, 4, 1, 0);
  for (int step = 0; step < 300; ++step) perceptron.learn(table.features, table.instrument, {1e-2, 0.0});
  EXPECT_LT(perceptron_loss(perceptron(table.features), table.instrument), 0.01);
}

TEST(Perceptron, StartsFromItsSeedAndStreamAlone) {
  const at::Tensor weights = Perceptron(10, 64, 4, 1, 0).parameters();
  EXPECT_TRUE(weights.equal(Perceptron(10, 64, 4, 1, 0).parameters()));
  EXPECT_FALSE(weights.equal(Perceptron(10, 64, 4, 2, 0).parameters()));
  EXPECT_FALSE(weights.equal(Perceptron(10, 64, 4, 1, 2).parameters()));
  EXPECT_NEAR(weights.narrow(0, 0, 640).std().item<double>(), std::sqrt(2.0 / 10.0), 0.04);
}

TEST(PerceptronTraining, KeepsTheWeightsThatFaredBestOnHeldOutRows) {
  const RandomTable table = random_table(60, 1, 3);
  const at::Tensor noise = random_table(60, 1, 4).features.narrow(1, 9, 1);  // nothing to learn: every step overfits
  const LabelledRows learned{table.features.narrow(0, 0, 30), noise.narrow(0, 0, 30)};
  const LabelledRows held_out{table.features.narrow(0, 30, 30), noise.narrow(0, 30, 30)};
  const double before = perceptron_loss(Perceptron(10, 64, 1, 1, 0)(held_out.features), held_out.target);
  const Perceptron stopped = train_perceptron(learned, held_out, 1, PerceptronSettings{}, 1, 0);
  EXPECT_LE(perceptron_loss(stopped(held_out.features), held_out.target), before);
  const Perceptron overfitted = train_perceptron(learned, learned, 1, PerceptronSettings{}, 1, 0);
  EXPECT_GT(perceptron_loss(overfitted(held_out.features), held_out.target), 1.3 * before);
}

}  // namespace
}  // namespace causalfm::evaluation
