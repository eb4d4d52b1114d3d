#include "causalfm/comm/backends.hpp"
#include "causalfm/loss/info_nce.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace causalfm::loss {
namespace {

TEST(InfoNceLifetime, TheGraphDiesWithTheLoss) {
  const auto communicator = comm::make_single();
  const at::Tensor ids = at::tensor({0, 0, 1, 1}, at::kLong);
  const ContrastLabels labels{ids, at::tensor({0, 1, 0, 1}, at::kLong), {}, at::ones({4}, at::kBool)};
  const at::Tensor leaf = at::randn({4, 3}).requires_grad_(true);
  for (const bool with_backward : {true, false}) {
    c10::weak_intrusive_ptr<at::TensorImpl> loss_of_step(at::zeros({}).getIntrusivePtr());
    {
      const at::Tensor loss = info_nce(leaf * 2.0, labels, {4}, {}, *communicator);
      loss_of_step = c10::weak_intrusive_ptr<at::TensorImpl>(loss.getIntrusivePtr());
      if (with_backward) loss.backward();
      EXPECT_FALSE(loss_of_step.expired());
    }
    EXPECT_TRUE(loss_of_step.expired()) << "a cycle keeps the loss and all that it came from";
  }
}

}  // namespace
}  // namespace causalfm::loss
