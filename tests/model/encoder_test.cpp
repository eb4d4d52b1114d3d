#include "model/conformer_encoder.hpp"
#include "model/gradient_check.hpp"
#include "model/mlp_encoder.hpp"
#include "model/small_model.hpp"
#include "model/spectrum.hpp"
#include "model/time_encoding.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace causalfm::model {
namespace {

constexpr int64_t batch = 3;

/// Times shared by all curves; nothing masked unless `masked`.
EncoderInput input_of(const config::Model& settings, bool masked) {
  const int64_t time = small_scale().length;
  EncoderInput input;
  input.flux = at::randn({batch, time}, at::kDouble);
  if (masked) {
    const at::Tensor observed = striped_mask(batch, time);
    input.flux = input.flux * observed;
    input.mask = SequenceMask(observed, at::kDouble);
  }
  input.time_encoding = TimeEncoding(small_scale(), settings.width, at::kDouble)(at::arange(time, at::kDouble));
  if (settings.spectrum != config::Spectrum::none) {
    input.spectrum = Spectrum(time, at::kDouble)(input.flux);
  }
  return input;
}

TEST(ConformerBlockTest, IsPreNormResidualsAndALastNorm) {
  at::manual_seed(13);
  config::Model settings = small_settings();
  settings.block = {config::Sublayer::feed_forward};
  Parameters parameters(at::kDouble), own(at::kDouble);
  const ConformerBlock block(Scope(parameters, 7), settings, 0, {});
  const LayerNorm norm(Scope(own, 7), 8);
  const auto sublayer = make_sublayer(config::Sublayer::feed_forward, Scope(own, 7) / "feed_forward", settings);
  const at::Tensor input = at::randn({batch, 4, 8}, at::kDouble);
  const at::Tensor expected = norm(input + sublayer->forward(norm(input), SequenceMask()));
  EXPECT_LT(distance(block.forward(input, SequenceMask(), nullptr, {}), expected), 1e-14);
}

TEST(ConformerBlockTest, FollowsTheConfiguredList) {
  using config::Sublayer;
  const auto names = [](std::vector<Sublayer> list) {
    config::Model settings = small_settings();
    settings.block = std::move(list);
    Parameters parameters(at::kDouble);
    const ConformerBlock block(Scope(parameters, 7), settings, 0, {});
    parameters.seal();
    const at::Tensor out = block.forward(at::randn({batch, 5, 8}, at::kDouble), SequenceMask(), nullptr, {});
    EXPECT_EQ(out.sizes(), at::IntArrayRef({batch, 5, 8}));
    EXPECT_TRUE(out.is_contiguous());
    std::vector<std::string> prefixes;
    for (const Parameters::Entry& entry : parameters.entries()) {
      std::string prefix = entry.name.substr(0, entry.name.find('/'));
      if (prefix != "norm" && (prefixes.empty() || prefixes.back() != prefix)) {
        prefixes.push_back(std::move(prefix));
      }
    }
    return prefixes;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names({Sublayer::attention, Sublayer::lstm, Sublayer::convolution, Sublayer::feed_forward}),
            (Names{"attention", "lstm", "convolution", "feed_forward"}));
  EXPECT_EQ(names({Sublayer::feed_forward, Sublayer::attention, Sublayer::convolution, Sublayer::feed_forward}),
            (Names{"feed_forward", "attention", "convolution", "feed_forward2"}));
  EXPECT_EQ(names({Sublayer::lstm}), (Names{"lstm"}));
}

TEST(ConformerBlockTest, DropoutLayersAreTheirOwn) {
  at::manual_seed(14);
  config::Model settings = small_settings();
  Parameters parameters(at::kDouble), same(at::kDouble);
  const ConformerBlock first(Scope(parameters, 7), settings, 0, {}), other(Scope(same, 7), settings, 4, {});
  const at::Tensor input = at::randn({batch, 5, 8}, at::kDouble);
  const DropoutKey key{1, 2, 3};
  EXPECT_EQ(distance(first.forward(input, {}, nullptr, {}), other.forward(input, {}, nullptr, {})), 0.0);
  EXPECT_GT(distance(first.forward(input, {}, &key, {}), other.forward(input, {}, &key, {})), 0.01);
  EXPECT_GT(distance(first.forward(input, {}, &key, {}), first.forward(input, {}, nullptr, {})), 0.01);
}

TEST(ConformerEncoderTest, GradientsAreThoseOfFiniteDifferences) {
  at::manual_seed(15);
  config::Model settings = small_settings();
  settings.spectrum = config::Spectrum::amplitudes;
  Parameters parameters(at::kDouble);
  const ConformerEncoder encoder(Scope(parameters, 7), settings, small_scale(), 3, 0, {});
  parameters.seal();
  const EncoderInput input = input_of(settings, true);
  const DropoutKey key{1, 2, 3};
  expect_gradients_along_directions([&] { return encoder.forward(input, nullptr, {}); }, leaves_of(parameters));
  expect_gradients_along_directions([&] { return encoder.forward(input, &key, {}); }, leaves_of(parameters));
}

TEST(ConformerEncoderTest, PoolsTheMeanOfObservedSteps) {
  at::manual_seed(16);
  const at::Tensor observed = striped_mask(batch, 7);
  observed[2].fill_(false);
  const at::Tensor values = at::randn({batch, 7, 4}, at::kDouble);
  const at::Tensor got = SequenceMask(observed, at::kDouble).mean(values);
  for (int64_t b = 0; b < batch; ++b) {
    at::Tensor sum = at::zeros({4}, at::kDouble);
    double count = 0.0;
    for (int64_t t = 0; t < 7; ++t) {
      if (observed[b][t].item<bool>()) {
        sum = sum + values[b][t];
        count += 1.0;
      }
    }
    EXPECT_LT(distance(got[b], count == 0.0 ? sum : sum / count), 1e-14) << b;
  }
  EXPECT_LT(distance(SequenceMask().mean(values), values.mean(1)), 1e-15);
}

TEST(ConformerEncoderTest, SpectrumReachesTheLatent) {
  at::manual_seed(17);
  config::Model settings = small_settings();
  settings.spectrum = config::Spectrum::amplitudes;
  Parameters parameters(at::kDouble);
  const ConformerEncoder encoder(Scope(parameters, 7), settings, small_scale(), 3, 0, {});
  EncoderInput input = input_of(settings, false);
  const at::Tensor before = encoder.forward(input, nullptr, {});
  input.spectrum = input.spectrum + 1.0;
  EXPECT_GT(distance(before, encoder.forward(input, nullptr, {})), 1e-3);
}

TEST(MlpEncoderTest, IsThreeProductsOfFluxAndSpectrum) {
  at::manual_seed(18);
  config::Model settings = small_settings();
  settings.encoder = config::EncoderKind::mlp;
  settings.spectrum = config::Spectrum::amplitudes;
  Parameters parameters(at::kDouble);
  const MlpEncoder encoder(Scope(parameters, 7), settings, small_scale(), 3);
  parameters.seal();
  const EncoderInput input = input_of(settings, true);
  at::Tensor expected = at::cat({input.flux, input.spectrum}, 1);
  for (int i = 0; i < 3; ++i) {
    const std::string layer = "layer" + std::to_string(i);
    expected = at::matmul(i == 0 ? expected : expected / (1.0 + (-expected).exp()),
                          parameters.find(layer + "/weight").value.t()) +
               parameters.find(layer + "/bias").value;
  }
  EXPECT_LT(distance(encoder.forward(input, nullptr, {}), expected), 1e-13);
  EXPECT_EQ(parameters.find("layer0/weight").value.sizes(), at::IntArrayRef({32, 9 + 20}));
  expect_gradients_along_directions([&] { return encoder.forward(input, nullptr, {}); }, leaves_of(parameters));
}

}  // namespace
}  // namespace causalfm::model
