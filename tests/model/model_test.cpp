#include "causalfm/model/model.hpp"

#include "model/gradient_check.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace causalfm::model {
namespace {

int64_t count_under(const CausalModel& model, const std::string& prefix) {
  int64_t count = 0;
  for (const Parameters::Entry& entry : model.parameters().entries()) {
    count += entry.name.starts_with(prefix) ? entry.value.numel() : 0;
  }
  return count;
}

TEST(CausalModelTest, HasThePapersSize) {
  const CausalModel model({}, {100, 99.0, 1.0}, 7, at::kFloat);
  // A block: attention 16576, LSTM 33024, convolution 14656, feed-forward 16576, five norms of 128.
  const int64_t encoder = 4 * (16576 + 33024 + 14656 + 16576 + 5 * 128) + 2 * 64 + 64 * 20 + 20;
  EXPECT_EQ(encoder, 327316);
  EXPECT_EQ(count_under(model, "encoder_star/"), encoder);
  EXPECT_EQ(count_under(model, "encoder_instrument/"), encoder);
  const int64_t two_layers = 20 * 64 + 64 + 64 * 64 + 64;
  EXPECT_EQ(count_under(model, "projection_star/"), two_layers);
  EXPECT_EQ(count_under(model, "decoder/"), 2 * two_layers + 64 * 128 + 128 + 128 * 256 + 256 + 256 * 100 + 100);
  EXPECT_EQ(model.parameters().count(), 2 * encoder + 2 * two_layers + count_under(model, "decoder/"));
}

TEST(CausalModelTest, NamesAreUnique) {
  config::Model settings = small_settings();
  settings.observation_latent = 2;
  settings.spectrum = config::Spectrum::amplitudes;
  const CausalModel model(settings, small_scale(), 7, at::kFloat);
  std::set<std::string> names;
  for (const Parameters::Entry& entry : model.parameters().entries()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
  }
}

TEST(CausalModelTest, DualHasTwoLatentsOfItsOwnShape) {
  at::manual_seed(20);
  const CausalModel model(small_settings(), small_scale(), 7, at::kDouble);
  const Outputs outputs = model.forward(random_curves(4, 9));
  EXPECT_EQ(outputs.z_star.sizes(), at::IntArrayRef({4, 3}));
  EXPECT_EQ(outputs.z_instrument.sizes(), at::IntArrayRef({4, 3}));
  EXPECT_EQ(outputs.projection_star.sizes(), at::IntArrayRef({4, 8}));
  EXPECT_EQ(outputs.projection_instrument.sizes(), at::IntArrayRef({4, 8}));
  EXPECT_EQ(outputs.reconstructed.sizes(), at::IntArrayRef({4, 9}));
  EXPECT_FALSE(outputs.z_observation.defined());
}

TEST(CausalModelTest, SingleHasOneLatentUnderTheStarsName) {
  at::manual_seed(21);
  config::Model settings = small_settings();
  settings.latents = config::Latents::single;
  const CausalModel model(settings, small_scale(), 7, at::kDouble);
  const Outputs outputs = model.forward(random_curves(4, 9));
  EXPECT_TRUE(outputs.z_star.defined() && outputs.projection_star.defined() && outputs.reconstructed.defined());
  EXPECT_FALSE(outputs.z_instrument.defined() || outputs.projection_instrument.defined());
  EXPECT_EQ(count_under(model, "encoder_instrument/") + count_under(model, "projection_instrument/"), 0);
  EXPECT_LT(distance(model.decode(outputs.z_star, {}, {}), outputs.reconstructed), 1e-15);
}

TEST(CausalModelTest, ObservationLatentReachesTheDecoderOnly) {
  at::manual_seed(22);
  config::Model settings = small_settings();
  settings.observation_latent = 2;
  const CausalModel model(settings, small_scale(), 7, at::kDouble);
  const Curves curves = random_curves(4, 9);
  const Outputs outputs = model.forward(curves);
  EXPECT_EQ(outputs.z_observation.sizes(), at::IntArrayRef({4, 2}));
  const at::Tensor changed = model.decode(outputs.z_star, outputs.z_instrument, outputs.z_observation + 1.0);
  EXPECT_GT(distance(changed, outputs.reconstructed), 1e-3);
  (outputs.projection_star.sum() + outputs.projection_instrument.sum()).backward();
  for (const Parameters::Entry& entry : model.parameters().entries()) {
    if (entry.name.starts_with("encoder_observation/") || entry.name.starts_with("decoder/")) {
      EXPECT_EQ(entry.value.grad().abs().max().item<double>(), 0.0) << entry.name;
    }
  }
}

/// The decoder is D(g_star(z_star) * g_instrument(z_instrument)), written out.
TEST(CausalModelTest, DecodesTheProductOfTheGates) {
  at::manual_seed(23);
  const CausalModel model(small_settings(), small_scale(), 7, at::kDouble);
  const auto layer = [&](const std::string& name, const at::Tensor& input) {
    return at::matmul(input, model.parameters().find(name + "/weight").value.t()) +
           model.parameters().find(name + "/bias").value;
  };
  const auto silu = [](const at::Tensor& value) { return value / (1.0 + (-value).exp()); };
  const auto gate = [&](const std::string& name, const at::Tensor& z) {
    return layer(name + "/layer1", silu(layer(name + "/layer0", z)));
  };
  const at::Tensor z_star = at::randn({4, 3}, at::kDouble), z_instrument = at::randn({4, 3}, at::kDouble);
  const at::Tensor product = gate("decoder/gate_star", z_star) * gate("decoder/gate_instrument", z_instrument);
  const at::Tensor expected =
      layer("decoder/layer2", silu(layer("decoder/layer1", silu(layer("decoder/layer0", product)))));
  EXPECT_LT(distance(model.decode(z_star, z_instrument, {}), expected), 1e-14);
}

TEST(CausalModelTest, EncodeAndDecodeAreTheHalvesOfForward) {
  at::manual_seed(24);
  const CausalModel model(small_settings(), small_scale(), 7, at::kDouble);
  const Curves curves = random_curves(4, 9);
  const Outputs whole = model.forward(curves), latents = model.encode(curves);
  EXPECT_TRUE(at::equal(whole.z_star, latents.z_star));
  EXPECT_TRUE(at::equal(whole.z_instrument, latents.z_instrument));
  EXPECT_FALSE(latents.reconstructed.defined() || latents.projection_star.defined());
  EXPECT_TRUE(at::equal(model.decode(latents.z_star, latents.z_instrument, {}), whole.reconstructed));
}

TEST(CausalModelTest, DropoutChangesEveryEncoderAndRepeats) {
  at::manual_seed(25);
  const CausalModel model(small_settings(), small_scale(), 7, at::kDouble);
  const Curves curves = random_curves(4, 9);
  const DropoutKey key{1, 2, 3}, next{1, 3, 3};
  const Outputs plain = model.forward(curves), dropped = model.forward(curves, &key);
  EXPECT_GT(distance(plain.z_star, dropped.z_star), 1e-3);
  EXPECT_GT(distance(plain.z_instrument, dropped.z_instrument), 1e-3);
  EXPECT_TRUE(at::equal(model.forward(curves, &key).reconstructed, dropped.reconstructed));
  EXPECT_GT(distance(model.forward(curves, &next).z_star, dropped.z_star), 1e-3);
}

TEST(CausalModelTest, RecordsGradientsOnlyWhenAutogradIsOn) {
  at::manual_seed(26);
  const CausalModel model(small_settings(), small_scale(), 7, at::kFloat);
  const Curves curves = random_curves(4, 9, at::kFloat);
  EXPECT_TRUE(model.forward(curves).reconstructed.requires_grad());
  const c10::AutoGradMode off(false);
  const DropoutKey key{1, 2, 3};
  EXPECT_FALSE(model.forward(curves, &key).reconstructed.requires_grad());
}

TEST(CausalModelTest, PrecisionsAgree) {
  at::manual_seed(27);
  config::Model settings;
  settings.blocks = 2;
  const SequenceScale scale{100, 99.0, 1.0};
  const CausalModel single(settings, scale, 7, at::kFloat), twofold(settings, scale, 7, at::kDouble);
  const Curves curves = random_curves(6, 100);
  const Curves rounded{curves.flux.to(at::kFloat), curves.time.to(at::kFloat), curves.mask};
  const DropoutKey key{1, 2, 3};
  const Outputs coarse = single.forward(rounded, &key), fine = twofold.forward(curves, &key);
  EXPECT_LT(distance(coarse.z_star.to(at::kDouble), fine.z_star), 1e-4);
  EXPECT_LT(distance(coarse.reconstructed.to(at::kDouble), fine.reconstructed), 1e-4);
  coarse.reconstructed.pow(2).sum().backward();
  fine.reconstructed.pow(2).sum().backward();
  for (const Parameters::Entry& entry : twofold.parameters().entries()) {
    const double largest = entry.value.grad().abs().max().item<double>();
    EXPECT_LT(distance(single.parameters().find(entry.name).value.grad().to(at::kDouble), entry.value.grad()),
              1e-3 * largest + 1e-6)
        << entry.name;
  }
}

class WholeGradientTest : public testing::TestWithParam<std::pair<config::Latents, config::EncoderKind>> {};

TEST_P(WholeGradientTest, IsThatOfFiniteDifferences) {
  at::manual_seed(28);
  config::Model settings = small_settings();
  settings.latents = GetParam().first;
  settings.encoder = GetParam().second;
  settings.observation_latent = 2;
  settings.blocks = 1;
  CausalModel model(settings, small_scale(), 7, at::kDouble);
  const Curves curves = random_curves(3, 9);
  const at::Tensor flux = curves.flux.clone().requires_grad_();
  const DropoutKey key{1, 2, 3};
  NamedTensors leaves = leaves_of(model.parameters());
  leaves.emplace_back("flux", flux);
  expect_gradients_along_directions(
      [&] {
        const Outputs out = model.forward({flux, curves.time, curves.mask}, &key);
        const at::Tensor both = at::cat({out.reconstructed, out.projection_star}, 1);
        return out.projection_instrument.defined() ? at::cat({both, out.projection_instrument}, 1) : both;
      },
      leaves);
}

INSTANTIATE_TEST_SUITE_P(Settings, WholeGradientTest,
                         testing::Values(std::pair{config::Latents::dual, config::EncoderKind::conformer},
                                         std::pair{config::Latents::single, config::EncoderKind::conformer},
                                         std::pair{config::Latents::dual, config::EncoderKind::mlp}));

}  // namespace
}  // namespace causalfm::model
