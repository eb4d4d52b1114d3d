#include "evaluation/bootstrap.hpp"

#include "causalfm/evaluation/error.hpp"
#include "evaluation/random_draws.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace causalfm::evaluation {
namespace {

void check(const at::Tensor& truth, const at::Tensor& predicted, const at::Tensor& weights) {
  if (truth.dim() != 1 || predicted.dim() != 2 || weights.dim() != 2 || predicted.size(1) != truth.numel() ||
      weights.size(1) != truth.numel()) {
    throw EvaluationError("bootstrap: " + std::to_string(truth.numel()) +
                          " test stars, but predictions or samples of another number: give one prediction a star");
  }
}

double percentile(const std::vector<double>& ascending, double share) {
  const double place = share * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  const double part = place - static_cast<double>(below);
  if (part == 0.0 || ascending[below] == ascending[above]) return ascending[below];
  return ascending[below] + part * (ascending[above] - ascending[below]);
}

}  // namespace

Interval percentile_interval(const at::Tensor& values) {
  const at::Tensor contiguous = values.contiguous();
  const auto* const first = contiguous.const_data_ptr<double>();
  std::vector<double> ascending(first, first + contiguous.numel());
  if (std::any_of(ascending.begin(), ascending.end(), [](double value) { return std::isnan(value); })) {
    return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
  }
  std::sort(ascending.begin(), ascending.end());
  return {percentile(ascending, 0.025), percentile(ascending, 0.975)};
}

at::Tensor bootstrap_weights(int64_t stars, int64_t resamples, uint64_t seed) {
  at::Tensor weights = at::zeros({resamples, stars}, at::kDouble);
  auto* const weight = weights.mutable_data_ptr<double>();
  for (int64_t resample = 0; resample < resamples; ++resample) {
    // The streams of perceptrons have another seed's tag only by luck: count down from the top.
    RandomDraws draws(seed, ~static_cast<uint64_t>(resample));
    for (int64_t i = 0; i < stars; ++i) weight[resample * stars + draws.integer(stars)] += 1.0;
  }
  return weights;
}

at::Tensor bootstrap_r2(const at::Tensor& truth, const at::Tensor& predicted, const at::Tensor& weights) {
  check(truth, predicted, weights);
  const auto stars = static_cast<double>(truth.numel());
  // About the mean over all stars, so that the variances below do not cancel.
  const at::Tensor centred = truth - truth.mean();
  const at::Tensor mean = weights.mv(centred).div_(stars);
  const at::Tensor variance = weights.mv(centred.square()).div_(stars).sub_(mean.square());
  const at::Tensor errors = weights.mm((predicted - truth).square().t()).mean(1).div_(stars);
  const at::Tensor constant = variance.le(centred.square().mean() * 1e-14);
  return (1.0 - errors / variance).masked_fill(constant, std::numeric_limits<double>::quiet_NaN());
}

at::Tensor bootstrap_balanced_accuracy(const at::Tensor& truth, const at::Tensor& predicted,
                                       const at::Tensor& weights) {
  check(truth, predicted, weights);
  const at::Tensor member = at::one_hot(truth).to(at::kDouble);  // [stars, classes]
  const at::Tensor right_share = predicted.eq(truth).to(at::kDouble).mean(0);
  const at::Tensor rows = weights.mm(member);
  const at::Tensor right = weights.mm(member * right_share.unsqueeze(1));
  const at::Tensor present = rows.gt(0.0);
  return right.div(rows).masked_fill(present.logical_not(), 0.0).sum(1) / present.sum(1);
}

}  // namespace causalfm::evaluation
