#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace causalfm::evaluation {

/// A smooth function's value and gradient at a point.
struct ValueAndGradient {
  double value;
  at::Tensor gradient;
};

/// Minimises a smooth convex function from `start` [n] float64 by L-BFGS with ten pairs (Nocedal & Wright 2006,
/// algorithm 7.5) and a backtracking line search (Armijo), until no element of the gradient exceeds `tolerance`,
/// `iterations` at most, or until rounding leaves no descent. Returns the point.
at::Tensor minimise(const std::function<ValueAndGradient(const at::Tensor&)>& function, const at::Tensor& start,
                    double tolerance, int64_t iterations);

}  // namespace causalfm::evaluation
