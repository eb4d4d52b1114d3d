#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace causalfm::evaluation {

/// Mean and population standard deviation of each column of some rows, and rows brought to mean 0 and deviation 1 by
/// them. A column that is constant over those rows becomes 0 there (its deviation counts as 1), as scikit-learn's
/// StandardScaler does. Sums in float64.
class Standardisation {
 public:
  /// `rows` [n, columns], any floating type, n >= 1.
  explicit Standardisation(const at::Tensor& rows)
      : mean_(rows.to(at::kDouble).mean(0)), deviation_(rows.to(at::kDouble).var(0, /*unbiased=*/false).sqrt()) {
    // A constant column's computed deviation is rounding, some 1e-16 of its mean.
    const at::Tensor constant = deviation_.le(mean_.abs() * 1e-12);
    deviation_ = deviation_.masked_fill(constant, 1.0);
  }

  /// [m, columns] in `type`.
  at::Tensor apply(const at::Tensor& rows, at::ScalarType type) const {
    return rows.to(at::kDouble).sub(mean_).div_(deviation_).to(type);
  }

  /// The inverse of `apply`, float64.
  at::Tensor undo(const at::Tensor& standardised) const {
    return standardised.to(at::kDouble).mul(deviation_).add_(mean_);
  }

 private:
  at::Tensor mean_;
  at::Tensor deviation_;
};

}  // namespace causalfm::evaluation
