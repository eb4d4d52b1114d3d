#include "evaluation/label_efficiency.hpp"

#include "causalfm/evaluation/error.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace causalfm::evaluation {
namespace {

std::vector<double> values_of(const at::Tensor& tensor) {
  const at::Tensor contiguous = tensor.to(at::kDouble).contiguous();
  const auto* const first = contiguous.const_data_ptr<double>();
  return {first, first + contiguous.numel()};
}

}  // namespace

Crossing first_crossing(const std::vector<int64_t>& counts, const std::vector<double>& curve, double score) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!(curve[i] >= score)) continue;
    if (i == 0) return {static_cast<double>(counts[0]), false, true};
    const double low = std::log(static_cast<double>(counts[i - 1]));
    const double high = std::log(static_cast<double>(counts[i]));
    // A baseline without a score at the count before has no line to interpolate on.
    const double part = std::isnan(curve[i - 1]) ? 1.0 : (score - curve[i - 1]) / (curve[i] - curve[i - 1]);
    return {std::exp(low + part * (high - low)), false, false};
  }
  return {static_cast<double>(counts.back()), true, false};
}

std::vector<LabelEfficiency> label_efficiency(const std::vector<int64_t>& counts, const at::Tensor& scores,
                                              const at::Tensor& baseline_scores, const at::Tensor& resampled,
                                              const at::Tensor& baseline_resampled) {
  const auto size = static_cast<int64_t>(counts.size());
  if (size == 0 || scores.numel() != size || baseline_scores.numel() != size || resampled.dim() != 2 ||
      resampled.size(0) != size || baseline_resampled.sizes() != resampled.sizes()) {
    throw EvaluationError("label efficiency: give a score of both representations at each of the " +
                          std::to_string(size) + " counts");
  }
  std::vector<std::vector<double>> baseline_curves;
  for (const at::Tensor& curve : baseline_resampled.unbind(1)) baseline_curves.push_back(values_of(curve));
  const std::vector<double> baseline_curve = values_of(baseline_scores);
  const std::vector<double> curve = values_of(scores);
  std::vector<LabelEfficiency> results;
  for (int64_t i = 0; i < size; ++i) {
    const auto count = static_cast<double>(counts[i]);
    const Crossing crossing = first_crossing(counts, baseline_curve, curve[i]);
    const std::vector<double> targets = values_of(resampled[i]);
    at::Tensor ratios = at::empty({resampled.size(1)}, at::kDouble);
    auto* const ratio = ratios.mutable_data_ptr<double>();
    for (std::size_t sample = 0; sample < targets.size(); ++sample) {
      ratio[sample] = first_crossing(counts, baseline_curves[sample], targets[sample]).labels / count;
    }
    results.push_back(
        {counts[i], crossing.labels / count, percentile_interval(ratios), crossing.censored, crossing.at_smallest});
  }
  return results;
}

}  // namespace causalfm::evaluation
