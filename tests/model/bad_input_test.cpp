#include "causalfm/model/error.hpp"
#include "causalfm/model/model.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace causalfm::model {
namespace {

/// The sentence of the ModelError that `action` throws.
std::string sentence(const std::function<void()>& action) {
  try {
    action();
  } catch (const ModelError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

std::string sentence_of(const std::function<void(config::Model&)>& change) {
  return sentence([&] {
    config::Model settings = small_settings();
    change(settings);
    CausalModel(settings, small_scale(), 7, at::kFloat);
  });
}

using testing::HasSubstr;

TEST(BadSettingsTest, AreNamedByTheirKey) {
  EXPECT_THAT(sentence_of([](auto& s) { s.heads = 3; }), HasSubstr("model.heads"));
  EXPECT_THAT(sentence_of([](auto& s) { s.width = 9, s.heads = 3; }), HasSubstr("model.width"));
  EXPECT_THAT(sentence_of([](auto& s) { s.width = 0; }), HasSubstr("model.width"));
  EXPECT_THAT(sentence_of([](auto& s) { s.kernel = 4; }), HasSubstr("model.kernel"));
  EXPECT_THAT(sentence_of([](auto& s) { s.block.clear(); }), HasSubstr("model.block"));
  EXPECT_THAT(sentence_of([](auto& s) { s.blocks = 0; }), HasSubstr("model.blocks"));
  EXPECT_THAT(sentence_of([](auto& s) { s.latent = 0; }), HasSubstr("model.latent"));
  EXPECT_THAT(sentence_of([](auto& s) { s.observation_latent = -1; }), HasSubstr("model.observation_latent"));
  EXPECT_THAT(sentence_of([](auto& s) { s.dropout = 1.0; }), HasSubstr("model.dropout"));
}

TEST(BadSettingsTest, ScaleAndDtypeAreChecked) {
  for (const SequenceScale& scale : {SequenceScale{0, 12.0, 1.0}, {9, 0.0, 1.0}, {9, 12.0, 0.0}, {9, NAN, 1.0}}) {
    EXPECT_THROW(CausalModel(small_settings(), scale, 7, at::kFloat), ModelError);
  }
  EXPECT_THROW(CausalModel(small_settings(), small_scale(), 7, at::kHalf), ModelError);
}

class BadCurvesTest : public testing::Test {
 protected:
  std::string sentence_for(const Curves& given) const {
    return sentence([&] { model.forward(given); });
  }

  CausalModel model{small_settings(), small_scale(), 7, at::kFloat};
  Curves curves = random_curves(4, 9, at::kFloat);
};

TEST_F(BadCurvesTest, AreRefusedWithShapeAndDtype) {
  EXPECT_THAT(sentence_for({{}, curves.time, curves.mask}), HasSubstr("flux is nothing"));
  EXPECT_THAT(sentence_for({curves.flux.to(at::kDouble), curves.time, curves.mask}), HasSubstr("[4, 9] Double"));
  EXPECT_THAT(sentence_for({curves.flux[0], curves.time, curves.mask}), HasSubstr("flux is [9]"));
  EXPECT_THAT(sentence_for({curves.flux.narrow(0, 0, 0), curves.time, {}}), HasSubstr("not empty"));
  EXPECT_THAT(sentence_for({curves.flux, {}, curves.mask}), HasSubstr("time is nothing"));
  EXPECT_THAT(sentence_for({curves.flux, curves.time.narrow(1, 0, 8), curves.mask}), HasSubstr("time is [4, 8]"));
  EXPECT_THAT(sentence_for({curves.flux, at::arange(4, at::kFloat), curves.mask}), HasSubstr("time is [4]"));
  EXPECT_THAT(sentence_for({curves.flux, curves.time, curves.mask.to(at::kByte)}), HasSubstr("mask is [4, 9] Byte"));
  EXPECT_THAT(sentence_for({curves.flux, curves.time, curves.mask.narrow(0, 0, 3)}), HasSubstr("mask is [3, 9]"));
}

TEST_F(BadCurvesTest, TooLongForAnMlpOrASpectrumAreRefused) {
  for (const bool spectrum : {false, true}) {
    config::Model settings = small_settings();
    settings.encoder = spectrum ? config::EncoderKind::conformer : config::EncoderKind::mlp;
    settings.spectrum = spectrum ? config::Spectrum::amplitudes : config::Spectrum::none;
    const CausalModel fixed(settings, small_scale(), 7, at::kFloat);
    EXPECT_THAT(sentence([&] { fixed.encode(random_curves(2, 10, at::kFloat)); }), HasSubstr("longer"));
  }
  EXPECT_EQ(model.encode(random_curves(2, 10, at::kFloat)).z_star.size(0), 2);
}

TEST_F(BadCurvesTest, LatentsOfAnotherShapeAreNotDecoded) {
  const at::Tensor latent = at::zeros({4, 3});
  EXPECT_THAT(sentence([&] { model.decode({}, latent, {}); }), HasSubstr("z_star is nothing"));
  EXPECT_THAT(sentence([&] { model.decode(latent, at::zeros({4, 2}), {}); }), HasSubstr("z_instrument is [4, 2]"));
  EXPECT_THAT(sentence([&] { model.decode(latent, at::zeros({5, 3}), {}); }), HasSubstr("z_instrument is [5, 3]"));
  EXPECT_THAT(sentence([&] { model.decode(latent, {}, {}); }), HasSubstr("z_instrument is nothing"));
  EXPECT_EQ(model.decode(latent, latent, {}).sizes(), at::IntArrayRef({4, 9}));
}

}  // namespace
}  // namespace causalfm::model
