#include "model/spectrum.hpp"

#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

namespace causalfm::model {
namespace {

constexpr int64_t length = 10;

double hann(int64_t t) { return 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * static_cast<double>(t) / length); }

/// log(|sum_t x_t e^{-i pi k t / T}| / sqrt(T) + 0.01), summed directly.
double plain_feature(const at::Tensor& curve, int64_t k, bool windowed) {
  std::complex<double> sum = 0.0;
  for (int64_t t = 0; t < curve.size(0); ++t) {
    const double angle = -std::numbers::pi * static_cast<double>(k * t) / length;
    sum += curve[t].item<double>() * (windowed ? hann(t) : 1.0) * std::polar(1.0, angle);
  }
  return std::log(std::abs(sum) / std::sqrt(static_cast<double>(length)) + 0.01);
}

TEST(SpectrumTest, IsTheLogAmplitudeOfTheDirectTransforms) {
  at::manual_seed(12);
  const Spectrum spectrum(length, at::kDouble);
  ASSERT_EQ(spectrum.features(), 22);
  for (const int64_t time : {length, int64_t{7}}) {
    const at::Tensor flux = at::randn({2, time}, at::kDouble);
    const at::Tensor got = spectrum(flux);
    ASSERT_EQ(got.sizes(), at::IntArrayRef({2, 22}));
    for (int64_t row = 0; row < 2; ++row) {
      for (int64_t k = 0; k <= length; ++k) {
        EXPECT_NEAR(got[row][k].item<double>(), plain_feature(flux[row], k, false), 1e-12);
        EXPECT_NEAR(got[row][length + 1 + k].item<double>(), plain_feature(flux[row], k, true), 1e-12);
      }
    }
  }
}

TEST(SpectrumTest, OfNothingIsFinite) {
  EXPECT_TRUE(at::isfinite(Spectrum(length, at::kFloat)(at::zeros({2, length}))).all().item<bool>());
}

}  // namespace
}  // namespace causalfm::model
