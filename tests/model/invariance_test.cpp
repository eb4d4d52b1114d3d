// What may not change an output: values under masks, padding, the grouping of rows into batches, neighbouring threads.
#include "causalfm/model/model.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace causalfm::model {
namespace {

struct Kind {
  const char* name;
  config::EncoderKind encoder;
  config::Spectrum spectrum;
  at::ScalarType dtype;
};

void PrintTo(const Kind& kind, std::ostream* stream) { *stream << kind.name; }

class InvarianceTest : public testing::TestWithParam<Kind> {
 protected:
  InvarianceTest() { at::manual_seed(19); }

  static CausalModel model() {
    config::Model settings = small_settings();
    settings.encoder = GetParam().encoder;
    settings.spectrum = GetParam().spectrum;
    settings.observation_latent = 2;
    return {settings, small_scale(), 7, GetParam().dtype};
  }

  static double tolerance() { return GetParam().dtype == at::kDouble ? 1e-12 : 3e-6; }

  static void expect_close(const Outputs& left, const Outputs& right) {
    EXPECT_LT(distance(left.z_star, right.z_star), tolerance());
    EXPECT_LT(distance(left.z_instrument, right.z_instrument), tolerance());
    EXPECT_LT(distance(left.z_observation, right.z_observation), tolerance());
    if (left.reconstructed.defined() && right.reconstructed.defined()) {
      EXPECT_LT(distance(left.projection_star, right.projection_star), tolerance());
      EXPECT_LT(distance(left.projection_instrument, right.projection_instrument), tolerance());
      EXPECT_LT(distance(left.reconstructed, right.reconstructed), tolerance());
    }
  }
};

TEST_P(InvarianceTest, ValuesUnderTheMaskDoNotMatter) {
  const CausalModel networks = model();
  const Curves curves = random_curves(5, 9, GetParam().dtype);
  const at::Tensor hidden = curves.mask.logical_not();
  const DropoutKey key{1, 2, 3};
  const Outputs expected = networks.forward(curves, &key);
  for (const double value : {0.0, 1e30, std::numeric_limits<double>::quiet_NaN()}) {
    const Curves changed{curves.flux.masked_fill(hidden, value), curves.time.masked_fill(hidden, value), curves.mask};
    const Outputs got = networks.forward(changed, &key);
    EXPECT_TRUE(at::equal(got.z_star, expected.z_star)) << value;
    EXPECT_TRUE(at::equal(got.z_observation, expected.z_observation)) << value;
    EXPECT_TRUE(at::equal(got.reconstructed, expected.reconstructed)) << value;
  }
}

TEST_P(InvarianceTest, GradientsIgnoreValuesUnderTheMask) {
  CausalModel networks = model();
  const Curves curves = random_curves(5, 9, GetParam().dtype);
  const auto gradients = [&](double value) {
    networks.parameters().flat_gradients().zero_();
    const at::Tensor flux = curves.flux.masked_fill(curves.mask.logical_not(), value);
    networks.forward({flux, curves.time, curves.mask}).reconstructed.pow(2).sum().backward();
    return networks.parameters().flat_gradients().clone();
  };
  const at::Tensor expected = gradients(0.0);
  EXPECT_TRUE(at::isfinite(expected).all().item<bool>());
  EXPECT_TRUE(at::equal(gradients(std::numeric_limits<double>::quiet_NaN()), expected));
}

TEST_P(InvarianceTest, PaddingAtTheEndDoesNotMatter) {
  const CausalModel networks = model();
  // Only what takes any length can be padded beyond the scale's 9 steps.
  const bool any_length =
      std::string(GetParam().name).starts_with("Conformer") && GetParam().spectrum == config::Spectrum::none;
  const int64_t time = any_length ? 9 : 5, padding = any_length ? 13 : 4;
  const Curves curves = random_curves(5, time, GetParam().dtype);
  const Curves padded{at::constant_pad_nd(curves.flux, {0, padding}, 7.0),
                      at::constant_pad_nd(curves.time, {0, padding}, -3.0),
                      at::constant_pad_nd(curves.mask, {0, padding}, 0)};
  expect_close(networks.encode(padded), networks.encode(curves));
  const Curves observed{curves.flux, curves.time, {}};
  const Curves whole_mask{curves.flux, curves.time, at::ones_like(curves.mask)};
  expect_close(networks.encode(observed), networks.encode(whole_mask));
}

TEST_P(InvarianceTest, RowsDoNotKnowOneAnother) {
  const CausalModel networks = model();
  const Curves curves = random_curves(7, 9, GetParam().dtype);
  const DropoutKey key{1, 2, 30};
  const Outputs together = networks.forward(curves, &key);
  for (int64_t row = 0; row < 7; ++row) {
    const DropoutKey own{1, 2, 30 + row};
    const Outputs alone = networks.forward(rows_of(curves, row, 1), &own);
    const auto part = [&](const at::Tensor& tensor) { return tensor.narrow(0, row, 1); };
    expect_close(alone,
                 {part(together.z_star), part(together.z_instrument), part(together.z_observation),
                  part(together.projection_star), part(together.projection_instrument), part(together.reconstructed)});
  }
}

TEST_P(InvarianceTest, CurveWithoutObservedSamplesIsFinite) {
  CausalModel networks = model();
  const Curves curves = random_curves(4, 9, GetParam().dtype);
  curves.mask[2].fill_(false);
  const Outputs outputs = networks.forward(curves);
  (outputs.reconstructed.sum() + outputs.projection_star.sum()).backward();
  EXPECT_TRUE(at::isfinite(outputs.z_star).all().item<bool>());
  EXPECT_TRUE(at::isfinite(outputs.reconstructed).all().item<bool>());
  EXPECT_TRUE(at::isfinite(networks.parameters().flat_gradients()).all().item<bool>());
}

TEST_P(InvarianceTest, SharedTimesAreThoseOfEveryRow) {
  const CausalModel networks = model();
  Curves curves = random_curves(3, 9, GetParam().dtype);
  curves.time = at::arange(9, GetParam().dtype);
  const Curves own{curves.flux, curves.time.expand({3, 9}), curves.mask};
  expect_close(networks.forward(curves), networks.forward(own));
}

TEST_P(InvarianceTest, ModelsInThreadsDoNotDisturbOneAnother) {
  const Curves curves = random_curves(6, 9, GetParam().dtype);
  const auto gradients = [&](int64_t first_row) {
    CausalModel networks = model();
    const DropoutKey key{1, 2, first_row};
    networks.forward(curves, &key).reconstructed.pow(2).sum().backward();
    return networks.parameters().flat_gradients().clone();
  };
  constexpr int64_t ranks = 4;
  std::vector<at::Tensor> alone, together(ranks);
  for (int64_t rank = 0; rank < ranks; ++rank) {
    alone.push_back(gradients(10 * rank));
  }
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      at::set_num_threads(1);
      together[static_cast<size_t>(rank)] = gradients(10 * rank);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (size_t rank = 0; rank < alone.size(); ++rank) {
    EXPECT_LT(distance(together[rank], alone[rank]), tolerance() * alone[rank].abs().max().item<double>()) << rank;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, InvarianceTest,
    testing::Values(Kind{"Conformer", config::EncoderKind::conformer, config::Spectrum::none, at::kDouble},
                    Kind{"ConformerFloat", config::EncoderKind::conformer, config::Spectrum::none, at::kFloat},
                    Kind{"ConformerSpectrum", config::EncoderKind::conformer, config::Spectrum::amplitudes,
                         at::kDouble},
                    Kind{"Mlp", config::EncoderKind::mlp, config::Spectrum::none, at::kDouble},
                    Kind{"MlpSpectrumFloat", config::EncoderKind::mlp, config::Spectrum::amplitudes, at::kFloat}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace causalfm::model
