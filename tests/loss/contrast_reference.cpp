#include "loss/contrast_reference.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <vector>

namespace causalfm::loss {
namespace {

std::vector<int64_t> values_of(const at::Tensor& labels) {
  return {labels.data_ptr<int64_t>(), labels.data_ptr<int64_t>() + labels.numel()};
}

/// One anchor's loss from its similarities to positives and to negatives.
long double anchor_loss(const std::vector<long double>& positives, const std::vector<long double>& negatives,
                        bool inside) {
  long double sum_positives = 0.0L;
  long double sum_negatives = 0.0L;
  for (const long double s : positives) sum_positives += std::exp(s);
  for (const long double s : negatives) sum_negatives += std::exp(s);
  if (inside) return std::log1p(sum_negatives / sum_positives);
  long double sum = 0.0L;
  for (const long double s : positives) sum -= std::log(std::exp(s) / (sum_positives + sum_negatives));
  return sum / static_cast<long double>(positives.size());
}

}  // namespace

double info_nce_in_loops(const at::Tensor& projection, const ContrastLabels& labels, const InfoNceOptions& options) {
  const at::Tensor rows = projection.detach().to(at::kDouble).contiguous();
  const auto value = rows.accessor<double, 2>();
  const auto same = values_of(labels.same);
  const auto other = values_of(labels.other);
  const auto group = labels.group.defined() ? values_of(labels.group) : std::vector<int64_t>(same.size(), -1);
  const auto product = [&](int64_t a, int64_t b) {
    long double sum = 0.0L;
    for (int64_t column = 0; column < rows.size(1); ++column) {
      sum += static_cast<long double>(value[a][column]) * value[b][column];
    }
    return sum;
  };
  long double sum = 0.0L;
  int64_t anchors = 0;
  for (int64_t a = 0; a < rows.size(0); ++a) {
    if (!labels.anchor[a].item<bool>()) continue;
    std::vector<long double> positives;
    std::vector<long double> negatives;
    for (int64_t k = 0; k < rows.size(0); ++k) {
      const long double norms = std::sqrt(product(a, a)) * std::sqrt(product(k, k));
      const long double s = norms > 0.0L ? product(a, k) / norms / options.temperature : 0.0L;
      if (same[a] == same[k] && other[a] != other[k]) positives.push_back(s);
      if (same[a] != same[k] && !(group[a] >= 0 && group[a] == group[k])) negatives.push_back(s);
    }
    if (positives.empty()) continue;
    sum += anchor_loss(positives, negatives, options.positives_inside_log);
    ++anchors;
  }
  return anchors == 0 ? 0.0 : static_cast<double>(sum / anchors);
}

at::Tensor info_nce_of_matrix(const at::Tensor& projection, const ContrastLabels& labels,
                              const InfoNceOptions& options) {
  const at::Tensor unit = projection / projection.norm(2, {1}, true);
  const at::Tensor similarities = unit.matmul(unit.t()) / options.temperature;
  const auto pairs_equal = [](const at::Tensor& label) { return label.unsqueeze(1) == label.unsqueeze(0); };
  const at::Tensor positive = pairs_equal(labels.same) & ~pairs_equal(labels.other);
  at::Tensor negative = ~pairs_equal(labels.same);
  if (labels.group.defined()) negative = negative & ~(pairs_equal(labels.group) & (labels.group >= 0).unsqueeze(1));
  const at::Tensor rows = (labels.anchor & positive.any(1)).nonzero().squeeze(1);
  if (rows.size(0) == 0) return similarities.sum() * 0.0;
  const auto of_rows = [&](const at::Tensor& matrix) { return matrix.index_select(0, rows); };
  // Low enough that its exponential is 0 beside any other, finite so that rows without negatives have gradients.
  const auto logsumexp = [&](const at::Tensor& member) {
    return of_rows(similarities).masked_fill(~of_rows(member), -1e5).logsumexp(1);
  };
  if (options.positives_inside_log) return at::softplus(logsumexp(negative) - logsumexp(positive), 1, 100).mean();
  const at::Tensor mean = of_rows(similarities * positive.to(similarities)).sum(1) / of_rows(positive).sum(1);
  return (logsumexp(positive | negative) - mean).mean();
}

at::Tensor reference_gradient(const at::Tensor& projection, const ContrastLabels& labels,
                              const InfoNceOptions& options) {
  const at::Tensor leaf = projection.detach().to(at::kDouble).clone().requires_grad_(true);
  info_nce_of_matrix(leaf, labels, options).backward();
  return leaf.grad();
}

}  // namespace causalfm::loss
