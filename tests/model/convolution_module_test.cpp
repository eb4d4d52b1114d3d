#include "model/convolution_module.hpp"

#include "model/gradient_check.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace causalfm::model {
namespace {

constexpr int64_t batch = 3;
constexpr int64_t time_steps = 8;
constexpr int64_t width = 4;
constexpr int64_t kernel = 5;

using Row = std::vector<double>;

double sigmoid(double value) { return 1.0 / (1.0 + std::exp(-value)); }

/// The module in loops over steps and channels, for one curve.
struct PlainModule {
  const Parameters& parameters;

  double at(const char* name, int64_t i, int64_t j) const { return parameters.find(name).value[i][j].item<double>(); }
  double at(const char* name, int64_t i) const { return parameters.find(name).value[i].item<double>(); }

  Row gated(const at::Tensor& step) const {
    Row out(width);
    for (int64_t c = 0; c < width; ++c) {
      double value = at("expand/bias", c), gate = at("expand/bias", width + c);
      for (int64_t i = 0; i < width; ++i) {
        value += at("expand/weight", c, i) * step[i].item<double>();
        gate += at("expand/weight", width + c, i) * step[i].item<double>();
      }
      out[c] = value * sigmoid(gate);
    }
    return out;
  }

  Row convolved(const std::vector<Row>& steps, int64_t t) const {
    Row out(width);
    for (int64_t c = 0; c < width; ++c) {
      out[c] = at("depthwise/bias", c);
      for (int64_t j = 0; j < kernel; ++j) {
        const int64_t source = t + j - kernel / 2;
        if (source >= 0 && source < time_steps) {
          out[c] += at("depthwise/weight", j, c) * steps[source][c];
        }
      }
    }
    return out;
  }

  Row normed_and_contracted(const Row& step) const {
    double mean = 0.0, variance = 0.0;
    for (const double value : step) {
      mean += value / width;
    }
    for (const double value : step) {
      variance += (value - mean) * (value - mean) / width;
    }
    Row out(width);
    for (int64_t o = 0; o < width; ++o) {
      out[o] = at("contract/bias", o);
      for (int64_t c = 0; c < width; ++c) {
        const double normed = (step[c] - mean) / std::sqrt(variance + 1e-5) * at("norm/weight", c) + at("norm/bias", c);
        out[o] += at("contract/weight", o, c) * normed * sigmoid(normed);
      }
    }
    return out;
  }
};

class ConvolutionModuleTest : public testing::Test {
 protected:
  ConvolutionModuleTest() : parameters(at::kDouble), module(Scope(parameters, 5), width, kernel) {
    at::manual_seed(4);
    parameters.seal();
    parameters.assign("norm/weight", at::randn({width}, at::kDouble));
    parameters.assign("norm/bias", at::randn({width}, at::kDouble));
    input = at::randn({batch, time_steps, width}, at::kDouble).requires_grad_();
  }

  Parameters parameters;
  ConvolutionModule module;
  at::Tensor input;
};

TEST_F(ConvolutionModuleTest, IsTheConformersWrittenOut) {
  const at::Tensor observed = striped_mask(batch, time_steps);
  const at::Tensor got = module.forward(input, SequenceMask(observed, at::kDouble));
  const PlainModule plain{parameters};
  for (int64_t b = 0; b < batch; ++b) {
    std::vector<Row> steps;
    for (int64_t t = 0; t < time_steps; ++t) {
      steps.push_back(observed[b][t].item<bool>() ? plain.gated(input[b][t]) : Row(width, 0.0));
    }
    for (int64_t t = 0; t < time_steps; ++t) {
      const Row expected = plain.normed_and_contracted(plain.convolved(steps, t));
      for (int64_t c = 0; c < width; ++c) {
        EXPECT_NEAR(got[b][t][c].item<double>(), expected[c], 1e-13);
      }
    }
  }
}

TEST_F(ConvolutionModuleTest, GradientsAreThoseOfFiniteDifferences) {
  NamedTensors leaves = leaves_of(parameters);
  leaves.emplace_back("input", input);
  const SequenceMask mask(striped_mask(batch, time_steps), at::kDouble);
  expect_gradients([&] { return module.forward(input, mask); }, leaves);
}

}  // namespace
}  // namespace causalfm::model
