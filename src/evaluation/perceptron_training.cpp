#include "evaluation/perceptron_training.hpp"

#include "evaluation/random_draws.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

namespace causalfm::evaluation {
namespace {

/// Rows in a new order each epoch; what does not fill a batch waits for the next.
class MiniBatches {
 public:
  MiniBatches(const LabelledRows& rows, int64_t batch, const RandomDraws& draws)
      : rows_(rows),
        draws_(draws),
        order_(rows.features.size(0)),
        batch_(std::min(batch, rows.features.size(0))),
        next_(rows.features.size(0)) {
    std::iota(order_.begin(), order_.end(), 0);
  }

  LabelledRows next() {
    if (next_ + batch_ > static_cast<int64_t>(order_.size())) {
      draws_.shuffle(order_);
      next_ = 0;
    }
    const at::Tensor chosen = at::from_blob(order_.data() + next_, {batch_}, at::kLong);
    next_ += batch_;
    return {rows_.features.index_select(0, chosen), rows_.target.index_select(0, chosen)};
  }

 private:
  LabelledRows rows_;
  RandomDraws draws_;
  std::vector<int64_t> order_;
  int64_t batch_;
  int64_t next_;
};

/// Warm-up over the first twentieth, then a cosine to 0 (Loshchilov & Hutter 2017).
double learning_rate(int64_t step, int64_t steps, double highest) {
  const double done = static_cast<double>(step) / static_cast<double>(steps);
  const double warm_up = std::min(1.0, static_cast<double>(step + 1) / (0.05 * static_cast<double>(steps)));
  return highest * warm_up * 0.5 * (1.0 + std::cos(std::numbers::pi * done));
}

/// The best weights so far by the held-out rows, and how long ago they were.
class EarlyStopping {
 public:
  EarlyStopping(const Perceptron& perceptron, const LabelledRows& held_out)
      : perceptron_(perceptron), held_out_(held_out), best_(perceptron.parameters().clone()) {}

  void look() {
    const double loss = perceptron_loss(perceptron_(held_out_.features), held_out_.target);
    ++looks_without_gain_;
    if (loss < best_loss_) {
      best_loss_ = loss;
      best_.copy_(perceptron_.parameters());
      looks_without_gain_ = 0;
    }
  }

  int64_t looks_without_gain() const { return looks_without_gain_; }
  void restore() const { perceptron_.parameters().copy_(best_); }

 private:
  const Perceptron& perceptron_;
  const LabelledRows& held_out_;
  at::Tensor best_;
  double best_loss_ = std::numeric_limits<double>::infinity();
  int64_t looks_without_gain_ = 0;
};

}  // namespace

int64_t planned_steps(int64_t rows, const PerceptronSettings& settings) {
  const int64_t batch = std::min(settings.batch, rows);
  const auto steps = static_cast<int64_t>(settings.epochs * static_cast<double>(rows) / static_cast<double>(batch));
  return std::clamp(steps, settings.least_steps, settings.most_steps);
}

Perceptron train_perceptron(const LabelledRows& learned, const LabelledRows& held_out, int64_t outputs,
                            const PerceptronSettings& settings, uint64_t seed, uint64_t stream) {
  Perceptron perceptron(learned.features.size(1), settings.hidden, outputs, seed, stream);
  MiniBatches batches(learned, settings.batch, RandomDraws(seed, stream + 1));
  EarlyStopping stopping(perceptron, held_out);
  const int64_t steps = planned_steps(learned.features.size(0), settings);
  const int64_t between_looks = std::max<int64_t>(1, steps / settings.looks);
  stopping.look();
  for (int64_t step = 0; step < steps && stopping.looks_without_gain() < settings.patience; ++step) {
    const LabelledRows batch = batches.next();
    perceptron.learn(batch.features, batch.target,
                     {learning_rate(step, steps, settings.learning_rate), settings.weight_decay});
    if ((step + 1) % between_looks == 0 || step + 1 == steps) stopping.look();
  }
  stopping.restore();
  return perceptron;
}

}  // namespace causalfm::evaluation
