#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::evaluation {

/// A 95 % interval: the 2.5 and the 97.5 percentile.
struct Interval {
  double low;
  double high;
};

/// Percentiles by linear interpolation, as numpy does; values that are not finite take part with their order (inf is
/// the highest), nan makes both ends nan. `values` [n] float64, n >= 1.
Interval percentile_interval(const at::Tensor& values);

/// How often each of `stars` test stars occurs in each of `resamples` bootstrap samples of them (Efron 1979):
/// [resamples, stars] float64, every row's sum is `stars`. A pure function of the numbers and the seed: one tensor for
/// all representations, so that they are compared on equal samples.
at::Tensor bootstrap_weights(int64_t stars, int64_t resamples, uint64_t seed);

/// The mean over draws of R2 in each bootstrap sample: [resamples] float64; nan where a sample's truth is constant.
/// `truth` [stars]; `predicted` [draws, stars], both float64; `weights` of bootstrap_weights.
/// @throws EvaluationError when the shapes do not fit.
at::Tensor bootstrap_r2(const at::Tensor& truth, const at::Tensor& predicted, const at::Tensor& weights);

/// As bootstrap_r2, of balanced accuracy. `truth` [stars], `predicted` [draws, stars], int64. Classes that are missing
/// in a sample are left out of its mean.
at::Tensor bootstrap_balanced_accuracy(const at::Tensor& truth, const at::Tensor& predicted, const at::Tensor& weights);

}  // namespace causalfm::evaluation
