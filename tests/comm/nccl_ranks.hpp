#pragma once

#include "causalfm/comm/communicator.hpp"

#include "comm/nccl_double/device.hpp"
#include "comm/nccl_double/nccl.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace causalfm::comm {

using nccl_double::Computation;
using nccl_double::Faults;

/// Tests of the NCCL backend over the double: after each, nothing may be left and nothing forbidden have happened.
class NcclTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  using Body = std::function<void(Communicator& ranks, Computation& computation)>;

  /// Runs `body` on ranks that are threads, each with a computation of its own and what goes wrong on that rank.
  /// @throws what `body` throws.
  static void run(int64_t world_size, const Options& options, const std::function<Faults(int64_t rank)>& faults,
                  const Body& body);
  static void run(int64_t world_size, const Body& body);
};

/// No rank waits longer than a test is to take.
Options patient();

/// Its sentence, if `work` throws a CommunicationError.
std::optional<std::string> failure_of(const std::function<void()>& work);

}  // namespace causalfm::comm
