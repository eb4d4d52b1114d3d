#include "simulation/kernels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "simulation/reference.hpp"

namespace causalfm::simulation {
namespace {

using ::testing::ElementsAreArray;

std::vector<double> buffer(int64_t count) { return std::vector<double>(static_cast<size_t>(padded(count))); }

/// Only the elements that a kernel promises.
std::vector<double> first(std::vector<double> values, int64_t count) {
  values.resize(static_cast<size_t>(count));
  return values;
}

std::vector<double> random_numbers(int64_t count, double lowest, double highest, std::mt19937_64& random) {
  std::uniform_real_distribution<double> distribution(lowest, highest);
  std::vector<double> values = buffer(count);
  for (double& value : values) {
    value = distribution(random);
  }
  return values;
}

class KernelsTest : public ::testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels_ = *GetParam();
  const Kernels& baseline_ = baseline_kernels();
  std::mt19937_64 random_{20250707};
};

TEST_P(KernelsTest, UniformsAreThoseOfPhilox) {
  const PhiloxKey key = philox_key(3, RandomStream::phases);
  for (const uint64_t id : {uint64_t{0}, uint64_t{1}, uint64_t{0xfedcba9876543210}}) {
    std::vector<double> values = buffer(100);
    kernels_.uniforms(key, id, 100, values.data());
    for (int64_t draw = 0; draw < 100; ++draw) {
      EXPECT_EQ(values[static_cast<size_t>(draw)], reference::uniform(key, id, draw)) << draw;
    }
  }
}

TEST_P(KernelsTest, NormalsAreBoxAndMullers) {
  const PhiloxKey key = philox_key(3, RandomStream::noise);
  for (uint64_t id = 0; id < 1000; ++id) {
    std::vector<double> values = buffer(100);
    kernels_.normals(key, id, 100, values.data());
    for (int64_t draw = 0; draw < 100; ++draw) {
      EXPECT_NEAR(values[static_cast<size_t>(draw)], reference::normal(key, id, draw), 4e-15) << id << ' ' << draw;
    }
  }
}

TEST_P(KernelsTest, DrawsDoNotDependOnHowManyAreAskedFor) {
  const PhiloxKey key = philox_key(3, RandomStream::noise);
  std::vector<double> many = buffer(200);
  kernels_.normals(key, 5, 200, many.data());
  for (int64_t count = 1; count < 200; ++count) {
    std::vector<double> few = buffer(count);
    kernels_.normals(key, 5, count, few.data());
    ASSERT_EQ(first(few, count), first(many, count));
  }
}

TEST_P(KernelsTest, ExponentialIsAccurateAndStaysFinite) {
  for (int step = -70000; step <= 70000; ++step) {
    const double value = step * 0.01;
    EXPECT_NEAR(kernels_.exponential(value) / std::exp(value), 1.0, 5e-16) << value;
  }
  EXPECT_EQ(kernels_.exponential(0.0), 1.0);
  EXPECT_EQ(kernels_.exponential(1e300), kernels_.exponential(700.0));
  EXPECT_EQ(kernels_.exponential(-1e300), kernels_.exponential(-700.0));
}

TEST_P(KernelsTest, PowersAreAccurate) {
  for (const double exponent : {0.0, -0.5, -1.0, -2.0, -10.0}) {
    std::vector<double> values = buffer(4096);
    kernels_.powers(exponent, 4096, values.data());
    EXPECT_EQ(values[0], 0.0);
    for (int k = 1; k < 4096; ++k) {
      const double rounding = 1e-15 + 3e-16 * std::abs(exponent) * std::log(k);
      EXPECT_NEAR(values[static_cast<size_t>(k)] / std::pow(k, exponent), 1.0, rounding) << k << " ^ " << exponent;
    }
  }
}

TEST_P(KernelsTest, PolarIsAccurateForAnyTurns) {
  std::vector<double> turns = random_numbers(4000, -1000.0, 1000.0, random_);
  turns[0] = 0.25;
  turns[1] = 0.125;
  turns[2] = -0.5;
  const std::vector<double> amplitude(turns.size(), 1.0);
  std::vector<double> real = buffer(4000);
  std::vector<double> imaginary = buffer(4000);
  kernels_.polar(amplitude.data(), turns.data(), 4000, real.data(), imaginary.data());
  for (size_t i = 0; i < 4000; ++i) {
    const long double angle = 2.0L * 3.14159265358979323846264338328L * std::remainder(turns[i], 1.0);
    EXPECT_NEAR(real[i], static_cast<double>(std::cos(angle)), 3e-16);
    EXPECT_NEAR(imaginary[i], static_cast<double>(std::sin(angle)), 3e-16);
  }
}

TEST_P(KernelsTest, HarmonicSumAgreesWithDirectCosines) {
  for (const int64_t length : {1, 2, 15, 16, 17, 100, 127, 128, 129, 1000, 5000}) {
    for (const int64_t terms : {1, 2, 13, 50}) {
      const std::vector<double> real = random_numbers(terms, -1.0, 1.0, random_);
      const std::vector<double> imaginary = random_numbers(terms, -1.0, 1.0, random_);
      const double period = static_cast<double>(length) * random_numbers(1, 0.1, 2.0, random_)[0];
      double amplitudes = 0.0;
      for (size_t k = 0; k < static_cast<size_t>(terms); ++k) {
        amplitudes += std::hypot(real[k], imaginary[k]);
      }
      std::vector<double> sum = buffer(length);
      kernels_.harmonic_sum(real.data(), imaginary.data(), terms, period, length, sum.data());
      for (int64_t t = 0; t < length; ++t) {
        const double direct = reference::harmonic_sum(first(real, terms), first(imaginary, terms), period, t);
        ASSERT_NEAR(sum[static_cast<size_t>(t)], direct, 1e-12 * amplitudes) << length << ' ' << terms;
      }
    }
  }
}

TEST_P(KernelsTest, ObservingClipsAndRoundsOnce) {
  std::vector<double> clean = random_numbers(37, -2.0, 2.0, random_);
  const std::vector<double> original = clean;
  const std::vector<double> scale = random_numbers(37, 0.5, 1.5, random_);
  const std::vector<double> offset = random_numbers(37, -0.2, 0.2, random_);
  kernels_.observe(scale.data(), offset.data(), 37, clean.data());
  std::vector<float> flux(38, 7.0F);
  kernels_.add_noise(clean.data(), original.data(), 0.03, 37, flux.data());
  for (size_t t = 0; t < 37; ++t) {
    EXPECT_EQ(clean[t], std::max(-1.0, std::min(1.0, scale[t] * original[t] + offset[t])));
    EXPECT_EQ(flux[t], static_cast<float>(clean[t] + 0.03 * original[t]));
  }
  EXPECT_EQ(flux[37], 7.0F) << "wrote beyond the row";
}

TEST_P(KernelsTest, EveryInstructionSetGivesTheSameBits) {
  const PhiloxKey key = philox_key(11, RandomStream::noise);
  std::vector<double> values = buffer(1000);
  std::vector<double> expected = buffer(1000);
  const auto expect_equal = [&](const std::string& what) {
    EXPECT_THAT(first(values, 1000), ElementsAreArray(first(expected, 1000))) << what;
  };
  for (uint64_t id = 0; id < 200; ++id) {
    kernels_.normals(key, id, 1000, values.data());
    baseline_.normals(key, id, 1000, expected.data());
    expect_equal("normals");
    const std::vector<double> amplitude = values;
    kernels_.harmonic_sum(amplitude.data(), amplitude.data(), 40, 20.0 + static_cast<double>(id), 1000, values.data());
    const std::vector<double> sum = values;
    baseline_.harmonic_sum(amplitude.data(), amplitude.data(), 40, 20.0 + static_cast<double>(id), 1000,
                           expected.data());
    expect_equal("harmonic_sum");
    std::vector<double> unused = buffer(1000);
    kernels_.polar(amplitude.data(), sum.data(), 1000, values.data(), unused.data());
    baseline_.polar(amplitude.data(), sum.data(), 1000, expected.data(), unused.data());
    expect_equal("polar");
    const double exponent = -0.1 * static_cast<double>(id);
    kernels_.powers(exponent, 1000, values.data());
    baseline_.powers(exponent, 1000, expected.data());
    expect_equal("powers");
    EXPECT_EQ(kernels_.exponential(amplitude[0]), baseline_.exponential(amplitude[0]));
  }
}

INSTANTIATE_TEST_SUITE_P(Supported, KernelsTest, ::testing::ValuesIn(supported_kernels()),
                         [](const auto& info) { return std::string(info.param->instruction_set); });

}  // namespace
}  // namespace causalfm::simulation
