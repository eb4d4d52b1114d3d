#include "causalfm/config/config.hpp"
#include "model/conformer_block.hpp"
#include "model/kernels/kernels.hpp"
#include "model/small_model.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace causalfm::model {
namespace {

/// How blocks are computed, of which `recompute` is left open.
struct Way {
  std::string name;
  const Kernels* kernels;
  at::ScalarType dtype;
};

std::ostream& operator<<(std::ostream& stream, const Way& way) { return stream << way.name; }

std::vector<Way> ways() {
  std::vector<Way> all{{"plain", nullptr, at::kFloat}, {"plain_in_float64", nullptr, at::kDouble}};
  for (const Products products : {Products::full, Products::bfloat16}) {
    for (const Kernels* const kernels : supported_kernels(products)) {
      all.push_back({std::string(kernels->instruction_set) + (products == Products::full ? "" : "_in_bfloat16"),
                     kernels, at::kFloat});
    }
  }
  return all;
}

struct Results {
  at::Tensor output;
  at::Tensor of_state;
  at::Tensor of_parameters;
};

/// Two blocks one after another, on curves that are partly masked, with dropout.
Results results_of(const Way& way, bool recompute) {
  config::Model settings;
  settings.width = 32;
  settings.feed_forward = 48;
  Parameters parameters(way.dtype);
  const Products products =
      way.kernels != nullptr && way.kernels->packing != nullptr ? Products::bfloat16 : Products::full;
  const Scope scope(parameters, 5, products);
  const ConformerBlock first(scope / "first", settings, 0, {way.kernels, recompute});
  const ConformerBlock second(scope / "second", settings, 4, {way.kernels, recompute});
  parameters.seal();
  at::manual_seed(4);
  // Groups of curves that are not full, and a time that is no multiple of a vector.
  const at::Tensor state = at::randn({21, 37, settings.width}, at::kDouble).to(way.dtype).requires_grad_();
  const SequenceMask mask(striped_mask(21, 37), way.dtype);
  const at::Tensor weights = mask.zero_masked(at::randn(state.sizes(), at::kDouble).to(way.dtype));
  at::Tensor output;
  {
    const DropoutKey key{3, 7, 11};  // it need not outlive the forward pass
    output = second.forward(first.forward(state, mask, &key, {}), mask, &key, {});
  }
  (output * weights).sum().backward();
  return {mask.zero_masked(output.detach()), state.grad(), parameters.flat_gradients()};
}

class RecomputationTest : public testing::TestWithParam<Way> {};

TEST_P(RecomputationTest, GivesTheSameBits) {
  const Results kept = results_of(GetParam(), false);
  const Results recomputed = results_of(GetParam(), true);
  EXPECT_GT(kept.of_parameters.abs().max().item<double>(), 0.0);
  EXPECT_TRUE(at::equal(recomputed.output, kept.output));
  EXPECT_TRUE(at::equal(recomputed.of_state, kept.of_state));
  EXPECT_TRUE(at::equal(recomputed.of_parameters, kept.of_parameters));
}

INSTANTIATE_TEST_SUITE_P(Ways, RecomputationTest, testing::ValuesIn(ways()),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace causalfm::model
