#include "model/lstm.hpp"

#include "model/gradient_check.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace causalfm::model {
namespace {

constexpr int64_t batch = 3;
constexpr int64_t time_steps = 6;
constexpr int64_t width = 4;

/// The recurrence written out (Hochreiter & Schmidhuber 1997, with forget gate).
at::Tensor plain_lstm(const at::Tensor& input, const Parameters& parameters) {
  const auto parameter = [&](const char* name) { return parameters.find(name).value.detach(); };
  at::Tensor hidden = at::zeros({input.size(0), width}, input.options());
  at::Tensor cell = hidden;
  std::vector<at::Tensor> outputs;
  for (int64_t t = 0; t < input.size(1); ++t) {
    const at::Tensor gates = at::matmul(input.select(1, t), parameter("input/weight").t()) +
                             at::matmul(hidden, parameter("hidden/weight").t()) + parameter("bias");
    const auto gate = [&](int64_t i) { return gates.narrow(1, i * width, width); };
    cell = at::sigmoid(gate(1)) * cell + at::sigmoid(gate(0)) * at::tanh(gate(2));
    hidden = at::sigmoid(gate(3)) * at::tanh(cell);
    outputs.push_back(hidden);
  }
  return at::stack(outputs, 1);
}

class LstmTest : public testing::TestWithParam<at::ScalarType> {
 protected:
  LstmTest() : parameters(GetParam()), lstm(Scope(parameters, 5), width) {
    at::manual_seed(2);
    parameters.seal();
    input = at::randn({batch, time_steps, width}, GetParam()).requires_grad_();
  }

  double tolerance() const { return GetParam() == at::kDouble ? 1e-14 : 1e-6; }

  Parameters parameters;
  Lstm lstm;
  at::Tensor input;
};

TEST_P(LstmTest, IsTheRecurrenceWithZeroInputAtMaskedSteps) {
  const at::Tensor observed = striped_mask(batch, time_steps);
  const at::Tensor zeroed = input.detach() * observed.unsqueeze(2);
  EXPECT_LT(distance(lstm.forward(input, SequenceMask()), plain_lstm(input.detach(), parameters)), tolerance());
  EXPECT_LT(distance(lstm.forward(input, SequenceMask(observed, GetParam())), plain_lstm(zeroed, parameters)),
            tolerance());
}

INSTANTIATE_TEST_SUITE_P(Dtypes, LstmTest, testing::Values(at::kFloat, at::kDouble));

using LstmGradientTest = LstmTest;

TEST_P(LstmGradientTest, AreThoseOfFiniteDifferences) {
  NamedTensors leaves = leaves_of(parameters);
  leaves.emplace_back("input", input);
  const SequenceMask mask(striped_mask(batch, time_steps), at::kDouble);
  expect_gradients([&] { return lstm.forward(input, mask); }, leaves);
}

INSTANTIATE_TEST_SUITE_P(Double, LstmGradientTest, testing::Values(at::kDouble));

TEST(LstmOneDnnTest, GradientsInFloatAgreeWithDouble) {
  Parameters single(at::kFloat), twofold(at::kDouble);
  const Lstm fast(Scope(single, 5), 16), plain(Scope(twofold, 5), 16);
  single.seal();
  twofold.seal();
  at::manual_seed(3);
  const at::Tensor input = at::randn({5, 11, 16}, at::kDouble), weights = at::randn({5, 11, 16}, at::kDouble);
  (fast.forward(input.to(at::kFloat), SequenceMask()) * weights.to(at::kFloat)).sum().backward();
  (plain.forward(input, SequenceMask()) * weights).sum().backward();
  const double scale = twofold.flat_gradients().abs().max().item<double>();
  EXPECT_LT(distance(single.flat_gradients().narrow(0, 0, 16 * 64).to(at::kDouble),
                     twofold.flat_gradients().narrow(0, 0, 16 * 64)),
            1e-5 * scale);
}

}  // namespace
}  // namespace causalfm::model
