#include "model/fused/fused_sublayers.hpp"

#include "causalfm/config/config.hpp"
#include "model/conformer_block.hpp"
#include "model/gradient_check.hpp"
#include "model/kernels/kernels.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
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
  const ConformerBlock block(Scope(parameters, 5), settings, 3, kernels);
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
  ASSERT_GT(supported_kernels().size(), 0U) << "no kernels serve this processor";
  for (const Kernels* const kernels : supported_kernels()) {
    const Results results = results_of(GetParam(), at::kFloat, kernels);
    EXPECT_LT(relative(results.out, expected.out), 1e-6) << kernels->instruction_set;
    EXPECT_LT(relative(results.of_state, expected.of_state), 2e-6) << kernels->instruction_set;
    EXPECT_LT(relative(results.of_parameters, expected.of_parameters), 5e-6) << kernels->instruction_set;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, FusedSublayersTest, testing::ValuesIn(cases()));

}  // namespace
}  // namespace causalfm::model
