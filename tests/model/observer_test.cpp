#include "causalfm/model/observer.hpp"

#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace causalfm::model {
namespace {

struct Recorder final : Observer {
  void observe(const std::string& name, const at::Tensor& output) override {
    names.push_back(name);
    outputs.push_back(output.detach());
  }

  std::string first_not_finite() const {
    for (size_t i = 0; i < names.size(); ++i) {
      if (!outputs[i].isfinite().all().item<bool>()) return names[i];
    }
    return "none";
  }

  std::vector<std::string> names;
  std::vector<at::Tensor> outputs;
};

TEST(ObserverTest, SeesEverySublayerInOrder) {
  at::manual_seed(30);
  config::Model settings = small_settings();
  settings.blocks = 1;
  settings.block = {config::Sublayer::feed_forward, config::Sublayer::lstm, config::Sublayer::feed_forward};
  settings.spectrum = config::Spectrum::amplitudes;
  settings.observation_latent = 2;
  const CausalModel model(settings, small_scale(), 7, at::kDouble);
  Recorder recorder;
  const Curves curves = random_curves(4, 9);
  const Outputs outputs = model.forward(curves, nullptr, &recorder);
  std::vector<std::string> expected{"flux"};
  for (const std::string encoder : {"star", "instrument", "observation"}) {
    for (const std::string sublayer :
         {"embedding", "block 0, feed_forward", "block 0, lstm", "block 0, feed_forward2", "block 0, norm", "pooling",
          "spectrum, layer 0", "spectrum, layer 1", "latent"}) {
      expected.push_back(encoder + " encoder, " + sublayer);
    }
  }
  for (const char* rest :
       {"star projection, layer 0", "star projection, layer 1", "instrument projection, layer 0",
        "instrument projection, layer 1", "decoder, star gate, layer 0", "decoder, star gate, layer 1",
        "decoder, instrument gate, layer 0", "decoder, instrument gate, layer 1", "decoder, product of gates",
        "decoder, observation gate, layer 0", "decoder, observation gate, layer 1", "decoder, layer 0",
        "decoder, layer 1", "decoder, layer 2"}) {
    expected.emplace_back(rest);
  }
  EXPECT_EQ(recorder.names, expected);
  EXPECT_TRUE(at::equal(recorder.outputs.back(), outputs.reconstructed));
  EXPECT_TRUE(at::equal(recorder.outputs[9], outputs.z_star));
  for (const at::Tensor& output : recorder.outputs) EXPECT_EQ(output.size(0), 4);
  EXPECT_TRUE(at::equal(model.forward(curves).reconstructed, outputs.reconstructed));
}

TEST(ObserverTest, AnMlpShowsItsLayers) {
  config::Model settings = small_settings();
  settings.encoder = config::EncoderKind::mlp;
  settings.latents = config::Latents::single;
  Recorder recorder;
  CausalModel(settings, small_scale(), 7, at::kDouble).forward(random_curves(4, 9), nullptr, &recorder);
  EXPECT_THAT(
      recorder.names,
      testing::ElementsAre("flux", "star encoder, layer 0", "star encoder, layer 1", "star encoder, layer 2",
                           "star projection, layer 0", "star projection, layer 1", "decoder, star gate, layer 0",
                           "decoder, star gate, layer 1", "decoder, layer 0", "decoder, layer 1", "decoder, layer 2"));
}

TEST(ObserverTest, AParameterThatIsNotFiniteShowsFirstWhereItIsUsed) {
  at::manual_seed(31);
  for (const auto& [parameter, place] : std::vector<std::pair<std::string, std::string>>{
           {"encoder_star/embed/bias", "star encoder, embedding"},
           {"encoder_star/block1/attention/output/bias", "star encoder, block 1, attention"},
           {"encoder_star/block1/lstm/pre_norm/weight", "star encoder, block 1, lstm"},
           {"encoder_instrument/block0/norm/bias", "instrument encoder, block 0, norm"},
           {"encoder_instrument/latent/weight", "instrument encoder, latent"},
           {"projection_star/layer1/bias", "star projection, layer 1"},
           {"decoder/gate_instrument/layer0/bias", "decoder, instrument gate, layer 0"},
           {"decoder/layer2/bias", "decoder, layer 2"}}) {
    const at::NoGradGuard no_grad;
    CausalModel model(small_settings(), small_scale(), 7, at::kDouble);
    model.parameters().find(parameter).value.view(-1)[0].fill_(std::nan(""));
    Recorder recorder;
    model.forward(random_curves(4, 9), nullptr, &recorder);
    EXPECT_EQ(recorder.first_not_finite(), place) << parameter;
  }
}

}  // namespace
}  // namespace causalfm::model
