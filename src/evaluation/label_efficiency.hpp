#pragma once

#include "evaluation/bootstrap.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace causalfm::evaluation {

/// How many labels the baseline needs to be as good, over the labels that were used.
struct LabelEfficiency {
  int64_t count;      ///< labels that z_star had
  double ratio;       ///< the baseline's labels for an equal score, over count
  Interval interval;  ///< 95 %, by bootstrap over test stars
  bool censored;      ///< the baseline never gets there: ratio, and the interval's high end, are lower bounds
  bool at_smallest;   ///< the baseline is there with its smallest count: ratio is an upper bound
};

/// Where a curve of mean scores first reaches `score`: in labels, interpolated linearly in the logarithm of the count
/// between the two counts around the first crossing.
struct Crossing {
  double labels;
  bool censored;     ///< never reached: labels is the largest count
  bool at_smallest;  ///< reached at once: labels is the smallest count
};

/// `counts` ascending, `curve` the mean score at each. A score of nan is never reached.
Crossing first_crossing(const std::vector<int64_t>& counts, const std::vector<double>& curve, double score);

/// Label efficiency of z_star over the baseline at every count. `scores` and `baseline_scores` [counts] float64: means
/// over draws on the test stars as they are; `resampled` and `baseline_resampled` [counts, resamples]: the same in the
/// same bootstrap samples (bootstrap_r2). The interval's ends are percentiles of the samples' ratios, censored samples
/// with their lower bound. @throws EvaluationError when the shapes do not fit.
std::vector<LabelEfficiency> label_efficiency(const std::vector<int64_t>& counts, const at::Tensor& scores,
                                              const at::Tensor& baseline_scores, const at::Tensor& resampled,
                                              const at::Tensor& baseline_resampled);

}  // namespace causalfm::evaluation
