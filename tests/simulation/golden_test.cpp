#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <vector>

#include "causalfm/simulation/simulator.hpp"

/// The universe of seed 1 as it must stay for ever: data sets, checkpoints and papers refer to it. golden.py computes
/// these numbers on its own.
namespace causalfm::simulation {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

class GoldenTest : public ::testing::Test {
 protected:
  std::vector<float> light_curve(int64_t observation_id) const {
    const Observation observation = simulator_.observation(observation_id);
    std::vector<float> flux(100);
    simulator_.light_curves(std::span(&observation, 1), flux);
    return flux;
  }

  Simulator simulator_{config::Simulation{}};
};

template <class Value>
std::vector<Value> at(const std::vector<Value>& values, const std::vector<size_t>& positions) {
  std::vector<Value> chosen;
  for (const size_t position : positions) {
    chosen.push_back(values[position]);
  }
  return chosen;
}

TEST_F(GoldenTest, Parameters) {
  std::vector<double> theta(13);
  simulator_.stellar_parameters(3, theta);
  EXPECT_THAT(at(theta, {0, 1, 7, 8, 12}),
              Pointwise(DoubleNear(1e-9), {0.020387474, 1.789622221, -0.522405029, 1.978923173, 1.007807137}));
  std::vector<double> phi(12);
  simulator_.phases(3, 61, phi);
  EXPECT_THAT(at(phi, {0, 1, 6, 7, 11}),
              Pointwise(DoubleNear(1e-9), {3.806351346, 5.714194072, 3.918105306, 4.479113661, 5.159795544}));
  std::vector<double> beta(17);
  std::vector<double> gamma(17);
  simulator_.instrument_parameters(16, beta, gamma);
  EXPECT_THAT(at(beta, {0, 1, 8, 15, 16}),
              Pointwise(DoubleNear(1e-9), {-1.049576260, 0.013222835, -0.180926482, 1.013807487, -1.286855803}));
  EXPECT_THAT(at(gamma, {0, 1, 8, 15, 16}),
              Pointwise(DoubleNear(1e-9), {-0.488712109, -0.785869328, -0.476329169, -1.001529801, -2.049508029}));
}

TEST_F(GoldenTest, Instruments) {
  EXPECT_THAT(simulator_.instruments_of_star(0),
              ElementsAre(10, 0, 8, 9, 9, 2, 11, 7, 14, 3, 13, 6, 14, 12, 5, 15, 1, 4, 16, 16));
  EXPECT_THAT(simulator_.instruments_of_star(1999),
              ElementsAre(14, 13, 8, 6, 1, 11, 5, 16, 9, 15, 4, 2, 7, 4, 12, 0, 7, 10, 6, 3));
}

TEST_F(GoldenTest, LightCurves) {
  const std::vector<size_t> times = {0, 1, 15, 16, 50, 99};
  EXPECT_THAT(at(light_curve(0), times), Pointwise(FloatNear(1e-6F), {0.382560557F, 0.362830271F, -0.967112301F,
                                                                      -0.914473915F, -0.671059142F, 0.626997645F}));
  EXPECT_THAT(at(light_curve(1), times), Pointwise(FloatNear(1e-6F), {1.025196928F, 0.972335238F, -0.920160000F,
                                                                      -1.016909739F, -0.527692068F, 0.396414505F}));
  EXPECT_THAT(at(light_curve(777), times), Pointwise(FloatNear(1e-6F), {0.355931601F, 0.426200530F, -1.007316138F,
                                                                        -1.019100519F, -0.602357615F, 0.979370384F}));
  EXPECT_THAT(at(light_curve(39999), times), Pointwise(FloatNear(1e-6F), {0.768833193F, 0.705274030F, -0.945541943F,
                                                                          -1.012094088F, 0.553246177F, -0.952299518F}));
}

/// FNV-1a over the words of all 4,000,000 samples: not one bit may change, on any processor.
TEST_F(GoldenTest, EveryBitOfTheUniverse) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (int64_t id = 0; id < simulator_.observation_count(); ++id) {
    for (const float flux : light_curve(id)) {
      hash = (hash ^ std::bit_cast<uint32_t>(flux)) * 0x100000001b3ULL;
    }
  }
  EXPECT_EQ(hash, 0x037bb2d7db6777a7ULL);
}

}  // namespace
}  // namespace causalfm::simulation
