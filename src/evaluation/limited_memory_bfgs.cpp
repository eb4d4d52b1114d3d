#include "evaluation/limited_memory_bfgs.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <deque>
#include <ranges>
#include <vector>

namespace causalfm::evaluation {
namespace {

constexpr std::size_t memory = 10;

double inner_product(const at::Tensor& one, const at::Tensor& other) { return one.dot(other).item<double>(); }

/// The last steps and what they changed in the gradient.
class Curvature {
 public:
  /// Pairs without positive curvature, as rounding makes them near the minimum, are left out.
  void add(const at::Tensor& step, const at::Tensor& change) {
    const double product = inner_product(step, change);
    if (!(product > 1e-12 * inner_product(change, change))) return;
    pairs_.push_back({step, change, 1.0 / product});
    if (pairs_.size() > memory) pairs_.pop_front();
  }

  /// The two-loop recursion: minus the approximate inverse Hessian times the gradient.
  at::Tensor direction(const at::Tensor& gradient) const {
    at::Tensor result = gradient.neg();
    if (pairs_.empty()) return result.div_(std::max(1.0, gradient.norm().item<double>()));
    std::vector<double> alphas;
    for (const Pair& pair : std::views::reverse(pairs_)) {
      alphas.push_back(pair.reciprocal * inner_product(pair.step, result));
      result.sub_(pair.change, alphas.back());
    }
    const Pair& last = pairs_.back();
    result.mul_(1.0 / (last.reciprocal * inner_product(last.change, last.change)));
    auto alpha = alphas.rbegin();
    for (const Pair& pair : pairs_) {
      const double beta = pair.reciprocal * inner_product(pair.change, result);
      result.add_(pair.step, *alpha++ - beta);
    }
    return result;
  }

 private:
  struct Pair {
    at::Tensor step;
    at::Tensor change;
    double reciprocal;  ///< 1 / (step . change)
  };

  std::deque<Pair> pairs_;
};

}  // namespace

at::Tensor minimise(const std::function<ValueAndGradient(const at::Tensor&)>& function, const at::Tensor& start,
                    double tolerance, int64_t iterations) {
  at::Tensor point = start;
  ValueAndGradient here = function(point);
  Curvature curvature;
  for (int64_t i = 0; i < iterations && here.gradient.abs().max().item<double>() > tolerance; ++i) {
    const at::Tensor direction = curvature.direction(here.gradient);
    const double slope = inner_product(direction, here.gradient);
    double length = 1.0;
    at::Tensor next = point + direction;
    ValueAndGradient there = function(next);
    while (!(there.value <= here.value + 1e-4 * length * slope) && length > 1e-10) {
      length *= 0.5;
      next = point + direction * length;
      there = function(next);
    }
    if (!(there.value < here.value)) break;
    curvature.add(next - point, there.gradient - here.gradient);
    point = next;
    here = there;
  }
  return point;
}

}  // namespace causalfm::evaluation
