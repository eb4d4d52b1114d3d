#include "model/fused/fused_sublayers.hpp"

#include "causalfm/config/config.hpp"
#include "causalfm/model/error.hpp"
#include "causalfm/model/model.hpp"
#include "model/conformer_block.hpp"
#include "model/gradient_check.hpp"
#include "model/kernel_choice.hpp"
#include "model/kernels/kernels.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace causalfm::model {
namespace {

enum class Masked { none, striped, whole_curve };

/// One residual sublayer at one shape.
struct Case {
  config::Sublayer kind;
  int64_t curves;
  int64_t time;
  int64_t width;
  int64_t heads;
  int64_t feed_forward;
  int64_t kernel;
  Masked masked;
  double dropout;
};

std::ostream& operator<<(std::ostream& stream, const Case& of) {
  return stream << name_of(of.kind) << " of " << of.curves << " curves, " << of.time << " steps, width " << of.width
                << ", heads " << of.heads << ", hidden " << of.feed_forward << ", kernel " << of.kernel << ", mask "
                << static_cast<int>(of.masked) << ", dropout " << of.dropout;
}

/// Output and gradients of state and parameters of a block of that one sublayer, in float64.
struct Results {
  at::Tensor out;
  at::Tensor of_state;
  at::Tensor of_parameters;
};

at::Tensor mask_of(const Case& of) {
  if (of.masked == Masked::none) return {};
  at::Tensor observed = striped_mask(of.curves, of.time);
  if (of.masked == Masked::whole_curve) observed[of.curves - 1].fill_(false);
  return observed;
}

Results results_of(const Case& of, at::ScalarType dtype, const Kernels* kernels) {
  config::Model settings;
  settings.width = of.width;
  settings.heads = of.heads;
  settings.feed_forward = of.feed_forward;
  settings.kernel = of.kernel;
  settings.block = {of.kind};
  settings.dropout = of.dropout;
  Parameters parameters(dtype);
  const ConformerBlock block(Scope(parameters, 5), settings, 3, {kernels});
  parameters.seal();
  at::manual_seed(8);
  // Biases and norms start at 0 and 1, where errors would hide.
  parameters.flat_values().detach().add_(0.2 * at::randn(parameters.flat_values().sizes(), at::kDouble).to(dtype));
  const at::Tensor observed = mask_of(of);
  const SequenceMask mask = observed.defined() ? SequenceMask(observed, dtype) : SequenceMask();
  at::Tensor state = at::randn({of.curves, of.time, of.width}, at::kDouble).to(dtype).requires_grad_();
  const at::Tensor weights = at::randn(state.sizes(), at::kDouble).to(dtype);
  const DropoutKey key{3, 7, 11};
  const at::Tensor out = block.forward(state, mask, of.dropout == 0.0 ? nullptr : &key, {});
  (mask.zero_masked(out) * mask.zero_masked(weights)).sum().backward();
  return {mask.zero_masked(out.detach()).to(at::kDouble), state.grad().to(at::kDouble),
          parameters.flat_gradients().to(at::kDouble)};
}

double relative(const at::Tensor& left, const at::Tensor& right) {
  return ((left - right).norm() / right.norm().clamp_min(1e-30)).item<double>();
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const config::Sublayer kind : {config::Sublayer::attention, config::Sublayer::lstm,
                                      config::Sublayer::convolution, config::Sublayer::feed_forward}) {
    all.push_back({kind, 5, 100, 64, 4, 128, 31, Masked::none, 0.0});  // the paper's
    all.push_back({kind, 3, 100, 64, 4, 128, 31, Masked::striped, 0.1});
    all.push_back({kind, 27, 7, 32, 4, 48, 5, Masked::whole_curve, 0.3});  // heads of 8; a group and a tail of curves
    all.push_back({kind, 2, 131, 128, 4, 256, 31, Masked::striped, 0.0});  // two strips and two blocks of queries
    all.push_back({kind, 1, 1, 16, 2, 16, 3, Masked::none, 0.5});          // one step
    all.push_back({kind, 2, 33, 48, 3, 80, 9, Masked::whole_curve, 0.1});  // panels that are not full
    all.push_back({kind, 2, 65, 32, 1, 16, 31, Masked::none, 0.0});        // a kernel reaching over both ends
    all.push_back({kind, 1, 200, 80, 4, 32, 1, Masked::striped, 0.2});     // heads of 20
  }
  return all;
}

class FusedSublayersTest : public testing::TestWithParam<Case> {};

TEST_P(FusedSublayersTest, AreThePlainOnesUpToRounding) {
  const Results expected = results_of(GetParam(), at::kDouble, nullptr);
  if (supported_kernels(Products::full).empty()) GTEST_SKIP() << "no kernels serve this processor";
  for (const Kernels* const kernels : supported_kernels(Products::full)) {
    const Results results = results_of(GetParam(), at::kFloat, kernels);
    EXPECT_LT(relative(results.out, expected.out), 1e-6) << kernels->instruction_set;
    EXPECT_LT(relative(results.of_state, expected.of_state), 2e-6) << kernels->instruction_set;
    EXPECT_LT(relative(results.of_parameters, expected.of_parameters), 5e-6) << kernels->instruction_set;
  }
}

TEST_P(FusedSublayersTest, OfBfloat16AreNearThem) {
  const Results expected = results_of(GetParam(), at::kDouble, nullptr);
  for (const Kernels* const kernels : supported_kernels(Products::bfloat16)) {
    const Results results = results_of(GetParam(), at::kFloat, kernels);
    EXPECT_LT(relative(results.out, expected.out), 1e-2) << kernels->instruction_set;
    EXPECT_LT(relative(results.of_state, expected.of_state), 3e-2) << kernels->instruction_set;
    EXPECT_LT(relative(results.of_parameters, expected.of_parameters), 3e-2) << kernels->instruction_set;
  }
}

TEST_P(FusedSublayersTest, OfBfloat16AreTheSameOnAllInstructionSetsButForTheOrderOfSums) {
  const std::vector<const Kernels*> supported = supported_kernels(Products::bfloat16);
  if (supported.size() < 2) GTEST_SKIP() << "one set of kernels at most serves this processor";
  const Results expected = results_of(GetParam(), at::kFloat, supported.back());
  for (const Kernels* const kernels : supported) {
    const Results results = results_of(GetParam(), at::kFloat, kernels);
    EXPECT_LT(relative(results.out, expected.out), 1e-3) << kernels->instruction_set;
    EXPECT_LT(relative(results.of_state, expected.of_state), 3e-3) << kernels->instruction_set;
    EXPECT_LT(relative(results.of_parameters, expected.of_parameters), 3e-3) << kernels->instruction_set;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, FusedSublayersTest, testing::ValuesIn(cases()));

Products products_of(const Kernels* kernels) {
  return kernels->packing == nullptr ? Products::full : Products::bfloat16;
}

std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> all = supported_kernels(Products::full);
  for (const Kernels* kernels : supported_kernels(Products::bfloat16)) all.push_back(kernels);
  return all;
}

/// A block of all sublayers at the paper's width, on curves that are partly masked.
class FusedBlockTest : public testing::TestWithParam<const Kernels*> {
 protected:
  FusedBlockTest()
      : parameters(at::kFloat), block(Scope(parameters, 5, products_of(GetParam())), config::Model{}, 0, {GetParam()}) {
    parameters.seal();
    at::manual_seed(4);
    state = at::randn({curves, time_steps, config::Model{}.width});
    observed = striped_mask(curves, time_steps);
  }

  at::Tensor forward(int64_t first, int64_t count) const {
    const DropoutKey key{3, 7, 11 + first};
    return block.forward(state.narrow(0, first, count), SequenceMask(observed.narrow(0, first, count), at::kFloat),
                         &key, {});
  }

  at::Tensor gradients() {
    parameters.flat_gradients().zero_();
    forward(0, curves).square().sum().backward();
    return parameters.flat_gradients().clone();
  }

  static constexpr int64_t curves = 20, time_steps = 37;
  Parameters parameters;
  ConformerBlock block;
  at::Tensor state;
  at::Tensor observed;
};

TEST_P(FusedBlockTest, ACurveIsTheSameToTheBitInAnyCompany) {
  const at::Tensor together = forward(0, curves);
  for (const auto& [first, count] : {std::pair<int64_t, int64_t>{0, 1}, {5, 8}, {19, 1}, {2, 18}}) {
    EXPECT_TRUE(at::equal(forward(first, count), together.narrow(0, first, count))) << first << ", " << count;
  }
}

TEST_P(FusedBlockTest, IsTheSameToTheBitWithoutGradients) {
  const at::Tensor recorded = forward(0, curves);
  const at::NoGradGuard no_gradients;
  EXPECT_TRUE(at::equal(forward(0, curves), recorded));
}

TEST_P(FusedBlockTest, GradientsAreTheSameToTheBitOnAnyNumberOfThreads) {
  const at::Tensor on_one = gradients();
  at::set_num_threads(3);
  const at::Tensor on_three = gradients();
  at::set_num_threads(1);
  EXPECT_TRUE(at::equal(on_one, on_three));
}

TEST_P(FusedBlockTest, ACurveThatIsNotFiniteSpoilsItselfAlone) {
  const at::Tensor clean = forward(0, curves);
  state[7][12].fill_(std::numeric_limits<float>::quiet_NaN());
  const at::Tensor spoilt = forward(0, curves);
  EXPECT_TRUE(spoilt[7].isnan().any().item<bool>());
  EXPECT_TRUE(at::equal(spoilt.narrow(0, 8, 12), clean.narrow(0, 8, 12)));
  EXPECT_TRUE(at::equal(spoilt.narrow(0, 0, 7), clean.narrow(0, 0, 7)));
}

TEST_P(FusedBlockTest, AnObserverSeesThePlainWayWhichGivesTheSameUpToRounding) {
  struct Counter : Observer {
    void observe(const std::string&, const at::Tensor&) override { ++seen; }
    bool sees_sublayers() const override { return sublayers; }
    bool sublayers = true;
    int64_t seen = 0;
  } counter;
  const DropoutKey key{3, 7, 11};
  const at::Tensor plain = block.forward(state, SequenceMask(observed, at::kFloat), &key, ObservedPlace(&counter));
  EXPECT_EQ(counter.seen, 5);
  const at::Tensor fused = forward(0, curves);
  EXPECT_LT(relative(fused, plain), products_of(GetParam()) == Products::full ? 1e-6 : 2e-2);
  counter.sublayers = false;
  EXPECT_TRUE(
      at::equal(block.forward(state, SequenceMask(observed, at::kFloat), &key, ObservedPlace(&counter)), fused));
  EXPECT_EQ(counter.seen, 6) << "the block as one";
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(FusedBlockTest);
INSTANTIATE_TEST_SUITE_P(InstructionSets, FusedBlockTest, testing::ValuesIn(all_kernels()), [](const auto& of) {
  return std::string(of.param->instruction_set) + (products_of(of.param) == Products::full ? "" : "_in_bfloat16");
});

TEST(KernelChoiceTest, KernelsServeConformersOfFloatOnTheCpuInWidthsOfWholeVectors) {
  const at::TensorOptions single(at::kFloat);
  config::Model settings;
  using config::KernelKind;
  const auto supported = supported_kernels(Products::full);
  EXPECT_EQ(choose_kernels(KernelKind::automatic, Products::full, settings, single),
            supported.empty() ? nullptr : supported.front());
  EXPECT_EQ(choose_kernels(KernelKind::plain, Products::full, settings, single), nullptr);
  EXPECT_EQ(choose_kernels(KernelKind::automatic, Products::full, settings, at::kDouble), nullptr);
  EXPECT_EQ(choose_kernels(KernelKind::automatic, Products::full, settings, single.device(at::kCUDA)), nullptr);
  settings.width = 24;
  EXPECT_EQ(choose_kernels(KernelKind::automatic, Products::full, settings, single), nullptr);
  settings.width = 64;
  settings.feed_forward = 40;
  EXPECT_EQ(choose_kernels(KernelKind::automatic, Products::full, settings, single), nullptr);
  settings.feed_forward = 48;
  settings.encoder = config::EncoderKind::mlp;
  EXPECT_EQ(choose_kernels(KernelKind::automatic, Products::full, settings, single), nullptr);
  EXPECT_EQ(kernel_instruction_set(KernelKind::plain), "plain");
}

TEST(KernelChoiceTest, AnInstructionSetThatTheProcessorLacksIsRefused) {
  for (const auto& [kind, name] :
       {std::pair{config::KernelKind::avx512, "avx512"}, {config::KernelKind::avx2, "avx2"}}) {
    const auto supported = supported_kernels(Products::full);
    const bool has = std::any_of(supported.begin(), supported.end(),
                                 [&](const Kernels* kernels) { return kernels->instruction_set == std::string(name); });
    if (has) {
      EXPECT_EQ(kernel_instruction_set(kind), name);
    } else {
      EXPECT_THROW(kernel_instruction_set(kind), ModelError);
    }
  }
}

}  // namespace
}  // namespace causalfm::model
