#include "causalfm/comm/backends.hpp"

#include "comm/collective_properties.hpp"
#include "comm/nccl.hpp"
#include "comm/nccl_double/device.hpp"
#include "comm/nccl_double/journal.hpp"
#include "comm/nccl_double/nccl.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <chrono>

/// The NCCL backend over its double on as many processes as mpirun started: the id comes by MPI, tensors by memory that
/// the processes share. Every rank runs every test, in the same order.
namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;
using nccl_double::Computation;

MpiEnvironment* environment = nullptr;  // of main; GoogleTest has no other way to hand it to tests

class NcclOfProcesses : public testing::Test {
 protected:
  void SetUp() override {
    nccl_double::clear_journal();
    nccl_double::set_delays(100 * environment->rank() + 1, 300us);
    nccl_double::set_faults({.questions_in_progress = 2});
  }

  void TearDown() override {
    nccl_double::end_nccl();
    nccl_double::end_device();
    for (const std::string& violation : nccl_double::violations()) ADD_FAILURE() << violation;
  }

  static std::unique_ptr<Communicator> start() {
    const auto control = make_mpi(*environment, {10s});
    return make_nccl(nccl_double::nccl_api(), nccl_double::device_api(), *control, 0, {10s});
  }
};

TEST_F(NcclOfProcesses, AgreesWithPlainEvaluationOnTheDevice) {
  Computation computation;
  const auto ranks = start();
  EXPECT_EQ(ranks->world_size(), environment->world_size());
  check_random_collectives(*ranks, 5, 60,
                           {[&](const at::Tensor& values) { return computation.on_device(values); },
                            [&](const at::Tensor& tensor) { return computation.fetch(tensor); }});
}

TEST_F(NcclOfProcesses, AgreesWithPlainEvaluationInHostMemory) {
  Computation computation;
  const auto ranks = start();
  check_random_collectives(*ranks, 6, 60);
}

TEST_F(NcclOfProcesses, MeetsHundredsOfTimes) {
  Computation computation;
  const auto ranks = start();
  at::Tensor sum = computation.on_device(at::ones({1}, at::kLong));
  const int64_t world = ranks->world_size();
  for (int64_t call = 0; call < 300; ++call) {
    ranks->all_reduce(sum).wait();
    computation.enqueue([sum, world] { sum.div_(world, "floor"); });
  }
  EXPECT_EQ(computation.fetch(sum).item<int64_t>(), 1);
}

}  // namespace
}  // namespace causalfm::comm

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  at::set_num_threads(1);
  causalfm::comm::MpiEnvironment environment;
  causalfm::comm::environment = &environment;
  return RUN_ALL_TESTS();
}
