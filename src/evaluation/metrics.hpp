#pragma once

#include <ATen/core/Tensor.h>

namespace causalfm::evaluation {

/// Coefficient of determination, 1 - sum (truth - predicted)^2 / sum (truth - mean truth)^2, in float64 and never
/// clipped: a constant guess of the mean has 0, a worse one is negative. nan when the truth is constant or empty, for
/// then nothing is to be explained. `truth`, `predicted` [n].
/// @throws EvaluationError when the shapes differ.
double r2(const at::Tensor& truth, const at::Tensor& predicted);

/// The mean over the classes that occur in `truth` of the share of their rows that is predicted right (scikit-learn's
/// balanced_accuracy_score); nan when empty. `truth`, `predicted` [n] int64, classes from 0.
/// @throws EvaluationError when the shapes differ or a class is negative.
double balanced_accuracy(const at::Tensor& truth, const at::Tensor& predicted);

/// Mean of the rows of each group, as a star: [groups] or [groups, columns] float64. `values` [n] or [n, columns];
/// `group` [n] int64 in 0 ... groups-1. A group without rows has nan.
/// @throws EvaluationError when the lengths differ.
at::Tensor mean_per_group(const at::Tensor& values, const at::Tensor& group, int64_t groups);

}  // namespace causalfm::evaluation
