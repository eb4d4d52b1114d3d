#include "causalfm/comm/backends.hpp"

#include "comm/collective_properties.hpp"

#include <gtest/gtest.h>

namespace causalfm::comm {
namespace {

TEST(Single, AgreesWithPlainEvaluation) {
  const auto communicator = make_single();
  EXPECT_EQ(communicator->world_size(), 1);
  EXPECT_EQ(communicator->backend(), "single");
  check_random_collectives(*communicator, 1, 300);
}

}  // namespace
}  // namespace causalfm::comm
