#include "model/attention.hpp"

#include "model/gradient_check.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace causalfm::model {
namespace {

constexpr int64_t batch = 3;
constexpr int64_t time_steps = 7;
constexpr int64_t width = 6;
constexpr int64_t heads = 2;

class AttentionTest : public testing::Test {
 protected:
  AttentionTest() : parameters(at::kDouble), attention(Scope(parameters, 5), width, heads) {
    at::manual_seed(1);
    parameters.seal();
    input = at::randn({batch, time_steps, width}, at::kDouble).requires_grad_();
  }

  at::Tensor parameter(const char* name) const { return parameters.find(name).value.detach(); }

  Parameters parameters;
  Attention attention;
  at::Tensor input;
};

/// softmax(q k^T / sqrt(d)) v written out one head and one curve at a time.
at::Tensor plain_attention(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& query_bias,
                           const at::Tensor& value_bias, const at::Tensor& output_weight, const at::Tensor& output_bias,
                           const at::Tensor& observed) {
  const int64_t head_width = width / heads;
  const at::Tensor out = at::zeros_like(input);
  for (int64_t b = 0; b < batch; ++b) {
    const at::Tensor query = at::matmul(input[b], weight.narrow(0, 0, width).t()) + query_bias;
    const at::Tensor key = at::matmul(input[b], weight.narrow(0, width, width).t());
    const at::Tensor value = at::matmul(input[b], weight.narrow(0, 2 * width, width).t()) + value_bias;
    for (int64_t head = 0; head < heads; ++head) {
      const auto part = [&](const at::Tensor& all) { return all.narrow(1, head * head_width, head_width); };
      at::Tensor scores = at::matmul(part(query), part(key).t()) / std::sqrt(static_cast<double>(head_width));
      scores = scores.masked_fill(observed[b].logical_not().unsqueeze(0), -std::numeric_limits<double>::infinity());
      out[b].narrow(1, head * head_width, head_width).copy_(at::matmul(at::softmax(scores, 1), part(value)));
    }
  }
  return at::matmul(out, output_weight.t()) + output_bias;
}

TEST_F(AttentionTest, IsSoftmaxOfScaledScoresOverObservedKeys) {
  const at::Tensor observed = striped_mask(batch, time_steps);
  for (const bool masked : {false, true}) {
    const at::Tensor seen = masked ? observed : at::ones_like(observed);
    const at::Tensor expected =
        plain_attention(input.detach(), parameter("query_key_value/weight"), parameter("query/bias"),
                        parameter("value/bias"), parameter("output/weight"), parameter("output/bias"), seen);
    const at::Tensor got = attention.forward(input, masked ? SequenceMask(observed, at::kDouble) : SequenceMask());
    EXPECT_LT(distance(got, expected), 1e-13) << masked;
    EXPECT_TRUE(got.is_contiguous());
  }
}

TEST_F(AttentionTest, GradientsAreThoseOfFiniteDifferences) {
  NamedTensors leaves = leaves_of(parameters);
  leaves.emplace_back("input", input);
  expect_gradients([&] { return attention.forward(input, SequenceMask()); }, leaves);
  const SequenceMask mask(striped_mask(batch, time_steps), at::kDouble);
  expect_gradients([&] { return attention.forward(input, mask); }, leaves);
}

TEST_F(AttentionTest, HasNoBiasOfTheKeys) {
  int64_t biases = 0;
  for (const Parameters::Entry& entry : parameters.entries()) {
    biases += entry.name.ends_with("bias") && entry.name != "output/bias" ? entry.value.numel() : 0;
  }
  EXPECT_EQ(biases, 2 * width);
}

TEST_F(AttentionTest, CurveWithoutObservedStepsStaysFinite) {
  const at::Tensor observed = striped_mask(batch, time_steps);
  observed[1].fill_(false);
  const at::Tensor out = attention.forward(input, SequenceMask(observed, at::kDouble));
  out.sum().backward();
  EXPECT_TRUE(at::isfinite(out).all().item<bool>());
  EXPECT_TRUE(at::isfinite(input.grad()).all().item<bool>());
}

}  // namespace
}  // namespace causalfm::model
