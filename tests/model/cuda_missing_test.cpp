#include "causalfm/model/error.hpp"
#include "model/dropout_cuda.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace causalfm::model {
namespace {

TEST(DropoutCudaMissingTest, SaysSoInOneSentence) {
  const at::Tensor tensor = at::ones({1, 1});
  try {
    dropout_on_cuda(tensor, tensor, DropoutMask{});
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("knows no CUDA"));
  }
}

}  // namespace
}  // namespace causalfm::model
