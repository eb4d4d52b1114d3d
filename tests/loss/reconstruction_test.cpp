#include "causalfm/loss/reconstruction.hpp"

#include "causalfm/loss/error.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace causalfm::loss {
namespace {

TEST(CurveErrors, AreMeansOverObservedSamples) {
  const at::Tensor reconstructed = at::randn({6, 9}, at::kDouble);
  const at::Tensor flux = at::randn({6, 9}, at::kDouble);
  at::Tensor mask = at::rand({6, 9}) > 0.4;
  mask[2].fill_(false);
  const at::Tensor errors = curve_errors(reconstructed, flux, mask);
  for (int64_t curve = 0; curve < 6; ++curve) {
    double sum = 0.0;
    int64_t observed = 0;
    for (int64_t t = 0; t < 9; ++t) {
      if (!mask[curve][t].item<bool>()) continue;
      sum += std::pow((reconstructed[curve][t] - flux[curve][t]).item<double>(), 2);
      ++observed;
    }
    if (observed == 0) {
      EXPECT_TRUE(std::isnan(errors[curve].item<double>()));
    } else {
      EXPECT_NEAR(errors[curve].item<double>(), sum / static_cast<double>(observed), 1e-14);
    }
  }
  EXPECT_TRUE(at::allclose(curve_errors(reconstructed, flux, {}), (reconstructed - flux).square().mean(1)));
}

TEST(CurveErrors, WhatStandsUnderAMaskReachesNeitherValueNorGradient) {
  const at::Tensor reconstructed = at::randn({2, 4}).requires_grad_(true);
  at::Tensor flux = at::randn({2, 4});
  at::Tensor mask = at::ones({2, 4}, at::kBool);
  mask[1][2] = false;
  flux[1][2] = std::numeric_limits<double>::quiet_NaN();
  const at::Tensor errors = curve_errors(reconstructed, flux, mask);
  errors.sum().backward();
  EXPECT_TRUE(errors.isfinite().all().item<bool>());
  EXPECT_TRUE(reconstructed.grad().isfinite().all().item<bool>());
  EXPECT_EQ(reconstructed.grad()[1][2].item<float>(), 0.0F);
}

TEST(CurveErrors, WhatDoesNotFitIsRefused) {
  EXPECT_THROW(curve_errors(at::ones({2, 3}), at::ones({2, 4}), {}), LossError);
  EXPECT_THROW(curve_errors(at::ones({2, 3}), at::ones({2, 3}), at::ones({2, 4}, at::kBool)), LossError);
  EXPECT_THROW(curve_errors(at::ones({2, 3}), at::ones({2, 3}), at::ones({2, 3})), LossError);
}

}  // namespace
}  // namespace causalfm::loss
