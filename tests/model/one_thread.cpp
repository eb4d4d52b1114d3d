#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace {

/// The cases are too small to divide, and waiting OpenMP threads spin: on a busy machine two take a hundred times as
/// long as one.
class OneThread : public testing::Environment {
 public:
  void SetUp() override { at::set_num_threads(1); }
};

[[maybe_unused]] const testing::Environment* const one_thread = testing::AddGlobalTestEnvironment(new OneThread);

}  // namespace
