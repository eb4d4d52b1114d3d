#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::evaluation {

/// Both fits standardise the features by the rows they are fitted on, compute in float64 and are deterministic at equal
/// thread count. `features` [n, inputs] and `queries` [m, inputs] of any floating type.

/// Ridge regression with an intercept that is not penalised: minimises the sum of squared errors plus
/// penalty * |weights|^2 on standardised features (scikit-learn's Ridge(alpha) after StandardScaler), in closed form.
/// The default penalty of 1 is one row's worth: it keeps collinear columns solvable and is nothing beside the thousands
/// of curves that a linear probe is fitted on. `target` [n]. Returns [m] float64. @throws EvaluationError when lengths
/// do not fit or numbers are not finite.
at::Tensor fit_ridge(const at::Tensor& features, const at::Tensor& target, const at::Tensor& queries,
                     double penalty = 1.0);

/// Multinomial logistic regression with an intercept that is not penalised: minimises the sum of cross-entropies plus
/// |weights|^2 / (2 C) with C = 1 on standardised features, as scikit-learn's LogisticRegression after StandardScaler
/// does, by L-BFGS (Liu & Nocedal 1989) until no element of the gradient of the mean exceeds `tolerance`, 200
/// iterations at most. `target` [n] int64 in 0 ... classes-1. Returns the probabilities [m, classes] float64. @throws
/// EvaluationError when lengths do not fit, a class is out of range or features are not finite.
at::Tensor fit_logistic(const at::Tensor& features, const at::Tensor& target, int64_t classes,
                        const at::Tensor& queries, double tolerance = 1e-5);

}  // namespace causalfm::evaluation
