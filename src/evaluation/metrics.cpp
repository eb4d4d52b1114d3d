#include "evaluation/metrics.hpp"

#include "causalfm/evaluation/error.hpp"

#include <ATen/ATen.h>

#include <limits>
#include <string>
#include <vector>

namespace causalfm::evaluation {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void check_same_length(const char* metric, const at::Tensor& one, const at::Tensor& other) {
  if (one.dim() != 1 || other.dim() != 1 || one.numel() != other.numel()) {
    throw EvaluationError(std::string(metric) + ": " + std::to_string(one.numel()) + " true values and " +
                          std::to_string(other.numel()) + " predictions: give one prediction for each");
  }
}

}  // namespace

double r2(const at::Tensor& truth, const at::Tensor& predicted) {
  check_same_length("r2", truth, predicted);
  if (truth.numel() == 0) return nan;
  const at::Tensor exact = truth.to(at::kDouble);
  if (exact.eq(exact[0]).all().item<bool>()) return nan;
  const at::Tensor total = (exact - exact.mean()).square().sum();
  return (1.0 - (exact - predicted.to(at::kDouble)).square().sum() / total).item<double>();
}

double balanced_accuracy(const at::Tensor& truth, const at::Tensor& predicted) {
  check_same_length("balanced accuracy", truth, predicted);
  if (truth.numel() == 0) return nan;
  if (truth.min().item<int64_t>() < 0) throw EvaluationError("balanced accuracy: classes must be counted from 0");
  const at::Tensor rows = at::bincount(truth).to(at::kDouble);
  const at::Tensor right = at::bincount(truth, truth.eq(predicted).to(at::kDouble));
  const at::Tensor present = rows.gt(0.0);
  return right.masked_select(present).div(rows.masked_select(present)).mean().item<double>();
}

at::Tensor mean_per_group(const at::Tensor& values, const at::Tensor& group, int64_t groups) {
  if (values.dim() < 1 || values.size(0) != group.numel()) {
    throw EvaluationError("mean per group: values and groups have different lengths: give the group of each row");
  }
  std::vector<int64_t> shape = values.sizes().vec();
  shape[0] = groups;
  const at::Tensor sums = at::zeros(shape, at::kDouble).index_add_(0, group, values.to(at::kDouble));
  const at::Tensor rows = at::bincount(group, {}, groups).to(at::kDouble);
  shape.assign(shape.size(), 1);
  shape[0] = groups;
  return sums / rows.view(shape);
}

}  // namespace causalfm::evaluation
