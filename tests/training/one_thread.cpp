#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace causalfm::training {
namespace {

/// Tests of small tensors on machines that do other things as well: a second thread costs more than it brings.
class OneThread final : public testing::Environment {
 public:
  void SetUp() override { at::set_num_threads(1); }
};

testing::Environment* const one_thread = testing::AddGlobalTestEnvironment(new OneThread);

}  // namespace
}  // namespace causalfm::training
