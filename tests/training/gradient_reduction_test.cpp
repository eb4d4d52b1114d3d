#include "causalfm/training/gradient_reduction.hpp"

#include "causalfm/comm/backends.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace causalfm::training {
namespace {

TEST(GradientReduction, SumsEveryElementWhateverTheBuckets) {
  // 2.5 buckets of 1 MiB, so that the last is partly filled.
  constexpr int64_t elements = 2 * 262144 + 131072 + 5;
  comm::run_ranks_as_threads(3, {}, [](comm::Communicator& communicator) {
    const at::Tensor gradient = at::arange(elements, at::kFloat).remainder(1000.0) + communicator.rank();
    const at::Tensor expected = at::arange(elements, at::kFloat).remainder(1000.0) * 3 + 3;
    reduce_gradients(gradient, 1, communicator);
    EXPECT_TRUE(at::equal(gradient, expected));
  });
}

}  // namespace
}  // namespace causalfm::training
