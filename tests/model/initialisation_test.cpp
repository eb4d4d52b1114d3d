#include "causalfm/model/model.hpp"
#include "causalfm/philox.hpp"
#include "model/scope.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace causalfm::model {
namespace {

TEST(InitialisationTest, IsThePhiloxDrawOfNameAndElement) {
  Parameters parameters(at::kDouble);
  const at::Tensor weight = (Scope(parameters, 7) / "a" / "b").uniform("w", {3, 3}, 0.5);
  // FNV-1a of "a/b/w", computed letter by letter.
  uint64_t hash = 14695981039346656037ULL;
  for (const char letter : {'a', '/', 'b', '/', 'w'}) {
    hash ^= static_cast<uint64_t>(letter);
    hash *= 1099511628211ULL;
  }
  for (int64_t i = 0; i < 9; ++i) {
    const PhiloxBlock words =
        philox4x32(hash, static_cast<uint64_t>(i) / 2, philox_key(7, RandomStream::initialisation));
    const double uniform = i % 2 == 0 ? uniform_double(words[0], words[1]) : uniform_double(words[2], words[3]);
    EXPECT_EQ(weight.flatten()[i].item<double>(), uniform - 0.5);
  }
  EXPECT_EQ(parameters.entries()[0].name, "a/b/w");
}

TEST(InitialisationTest, DependsNeitherOnOrderNorOnOtherParameters) {
  Parameters one(at::kDouble), other(at::kDouble);
  const at::Tensor a = Scope(one, 7).uniform("a", {4}, 1.0);
  const at::Tensor b = Scope(one, 7).uniform("b", {4}, 1.0);
  const at::Tensor b_first = Scope(other, 7).uniform("b", {4}, 1.0);
  EXPECT_TRUE(at::equal(b, b_first));
  EXPECT_FALSE(at::equal(a, b));
  EXPECT_FALSE(at::equal(b, Scope(other, 8).uniform("b2", {4}, 1.0)));
}

TEST(InitialisationTest, ModelsOfBothPrecisionsStartEqual) {
  const CausalModel single(small_settings(), small_scale(), 7, at::kFloat);
  const CausalModel twofold(small_settings(), small_scale(), 7, at::kDouble);
  ASSERT_EQ(single.parameters().entries().size(), twofold.parameters().entries().size());
  for (const Parameters::Entry& entry : single.parameters().entries()) {
    EXPECT_TRUE(at::equal(entry.value, twofold.parameters().find(entry.name).value.to(at::kFloat))) << entry.name;
  }
}

TEST(InitialisationTest, FollowsThePyTorchLaws) {
  const CausalModel model({}, {100, 99.0, 1.0}, 7, at::kDouble);
  const auto check_uniform = [&](const std::string& name, double bound) {
    const at::Tensor values = model.parameters().find(name).value;
    EXPECT_LE(values.abs().max().item<double>(), bound) << name;
    // The mean of n draws has deviation bound / sqrt(3 n), their mean square one of about bound^2 / sqrt(11 n).
    const auto n = static_cast<double>(values.numel());
    EXPECT_NEAR(values.mean().item<double>(), 0.0, 5.0 * bound / std::sqrt(3.0 * n)) << name;
    EXPECT_NEAR(values.pow(2).mean().item<double>(), bound * bound / 3.0, 5.0 * bound * bound / std::sqrt(11.0 * n))
        << name;
  };
  check_uniform("encoder_star/block0/attention/query_key_value/weight", 0.125);
  check_uniform("encoder_star/block1/lstm/hidden/weight", 0.125);
  check_uniform("encoder_instrument/block2/convolution/depthwise/weight", 1.0 / std::sqrt(31.0));
  check_uniform("encoder_instrument/block3/feed_forward/layer1/weight", 1.0 / std::sqrt(128.0));
  check_uniform("decoder/layer2/weight", 1.0 / 16.0);
  check_uniform("encoder_star/block1/lstm/bias", 0.125);
  EXPECT_TRUE((model.parameters().find("encoder_star/block0/lstm/pre_norm/weight").value == 1).all().item<bool>());
  EXPECT_TRUE((model.parameters().find("encoder_star/block0/norm/bias").value == 0).all().item<bool>());
}

TEST(InitialisationTest, EncodersStartApart) {
  const CausalModel model(small_settings(), small_scale(), 7, at::kDouble);
  EXPECT_GT(distance(model.parameters().find("encoder_star/embed/weight").value,
                     model.parameters().find("encoder_instrument/embed/weight").value),
            0.01);
}

}  // namespace
}  // namespace causalfm::model
