#include "evaluation/linear_fits.hpp"

#include "causalfm/evaluation/error.hpp"
#include "evaluation/limited_memory_bfgs.hpp"
#include "evaluation/standardisation.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <string>

namespace causalfm::evaluation {
namespace {

void check(const char* fit, const at::Tensor& features, const at::Tensor& target, const at::Tensor& queries) {
  const auto refuse = [&](const std::string& cause) { throw EvaluationError(std::string(fit) + ": " + cause); };
  if (features.dim() != 2 || features.size(0) == 0 || queries.dim() != 2 || queries.size(1) != features.size(1)) {
    refuse("features and queries must be rows of equally many columns, at least one row to fit");
  }
  if (target.dim() != 1 || target.numel() != features.size(0)) {
    refuse(std::to_string(target.numel()) + " targets for " + std::to_string(features.size(0)) +
           " rows: give one each");
  }
  if (!features.isfinite().all().item<bool>() || !target.isfinite().all().item<bool>()) {
    refuse("features or targets are not finite: embed with a sound checkpoint, leave stars without a value out");
  }
}

/// Mean cross-entropy plus the penalty over the rows, of weights [inputs + 1, classes] whose last row is the intercept.
class LogisticObjective {
 public:
  LogisticObjective(const at::Tensor& features, const at::Tensor& target, int64_t classes)
      : features_(features), target_(target.unsqueeze(1)), classes_(classes) {}

  ValueAndGradient operator()(const at::Tensor& flat) const {
    const auto rows = static_cast<double>(features_.size(0));
    const at::Tensor weights = flat.view({-1, classes_});
    const at::Tensor slopes = weights.narrow(0, 0, weights.size(0) - 1);
    const at::Tensor log_probabilities = at::addmm(weights[-1], features_, slopes).log_softmax(1);
    const double entropy = -log_probabilities.gather(1, target_).sum().item<double>();
    at::Tensor error = log_probabilities.exp();
    error.scatter_add_(1, target_, at::full({1, 1}, -1.0, at::kDouble).expand({target_.size(0), 1}));
    at::Tensor gradient = at::empty_like(weights);
    gradient.narrow(0, 0, slopes.size(0)).copy_(at::addmm(slopes, features_.t(), error));
    gradient[-1].copy_(error.sum(0));
    return {(entropy + 0.5 * slopes.square().sum().item<double>()) / rows, gradient.div_(rows).view(-1)};
  }

 private:
  at::Tensor features_;
  at::Tensor target_;
  int64_t classes_;
};

}  // namespace

at::Tensor fit_ridge(const at::Tensor& features, const at::Tensor& target, const at::Tensor& queries, double penalty) {
  const at::NoGradGuard no_grad;
  check("ridge regression", features, target, queries);
  const Standardisation scale(features);
  const at::Tensor rows = scale.apply(features, at::kDouble);
  const at::Tensor values = target.to(at::kDouble);
  const at::Tensor mean = values.mean();
  const at::Tensor normal = rows.t().mm(rows);
  normal.diagonal().add_(penalty);
  const at::Tensor weights = at::linalg_solve(normal, rows.t().mv(values - mean));
  return scale.apply(queries, at::kDouble).mv(weights).add_(mean);
}

at::Tensor fit_logistic(const at::Tensor& features, const at::Tensor& target, int64_t classes,
                        const at::Tensor& queries, double tolerance) {
  const at::NoGradGuard no_grad;
  check("logistic regression", features, target, queries);
  if (target.scalar_type() != at::kLong || target.min().item<int64_t>() < 0 ||
      target.max().item<int64_t>() >= classes) {
    throw EvaluationError("logistic regression: classes must be int64 in 0 ... " + std::to_string(classes - 1));
  }
  const Standardisation scale(features);
  const LogisticObjective objective(scale.apply(features, at::kDouble), target, classes);
  const at::Tensor start = at::zeros({(features.size(1) + 1) * classes}, at::kDouble);
  const at::Tensor weights = minimise(objective, start, tolerance, 200).view({-1, classes});
  return at::addmm(weights[-1], scale.apply(queries, at::kDouble), weights.narrow(0, 0, features.size(1))).softmax(1);
}

}  // namespace causalfm::evaluation
