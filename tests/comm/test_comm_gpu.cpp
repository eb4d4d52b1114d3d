#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/placement.hpp"

#include "comm/collective_properties.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <gtest/gtest.h>

#include <chrono>

/// The NCCL backend on GPUs, on as many ranks as mpirun started, each with a GPU of its own; skipped where there are
/// fewer. Every rank runs every test, in the same order.
namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;

MpiEnvironment* environment = nullptr;  // of main; GoogleTest has no other way to hand it to tests

class NcclOnGpus : public testing::Test {
 protected:
  void SetUp() override {
    const int64_t gpus = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
    if (gpus < environment->local_size()) GTEST_SKIP() << gpus << " GPUs for " << environment->local_size() << " ranks";
    device_ = c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(environment->local_rank()));
  }

  std::unique_ptr<Communicator> start() const {
    const auto control = make_mpi(*environment, {60s});
    return make_nccl(*control, device_, {60s});
  }

  Workbench workbench() const {
    return {[device = device_](const at::Tensor& values) { return values.to(device).clone(); },
            [](const at::Tensor& tensor) { return tensor.cpu(); }};
  }

  c10::Device device_{c10::kCPU};
};

TEST_F(NcclOnGpus, IsWhatRanksWithAGpuEachGet) {
  const auto control = make_mpi(*environment, {60s});
  const Placement placement{true, nccl_built(), gather_devices(*control, {host_name(), gpu_identity(device_)})};
  EXPECT_EQ(choose_backend(config::Backend::automatic, placement).backend, config::Backend::nccl);
}

TEST_F(NcclOnGpus, AgreesWithPlainEvaluationOnTheDevice) {
  const auto ranks = start();
  check_random_collectives(*ranks, 5, 200, workbench());
}

TEST_F(NcclOnGpus, AgreesWithPlainEvaluationInHostMemory) {
  const auto ranks = start();
  check_random_collectives(*ranks, 6, 200);
}

TEST_F(NcclOnGpus, SumsOfManyBucketsAreRightWhileMemoryIsReused) {
  const auto ranks = start();
  for (int64_t step = 0; step < 50; ++step) {
    std::vector<at::Tensor> buckets;
    std::vector<Pending> pending;
    for (int64_t bucket = 0; bucket < 8; ++bucket) {
      buckets.push_back(
          at::full({1 << 20}, static_cast<double>(step + bucket), at::TensorOptions(at::kFloat).device(device_)));
      pending.push_back(ranks->all_reduce(buckets.back()));
      // Given back at once, for what comes next on the computation's stream.
      at::full({1 << 20}, -1.0, at::TensorOptions(at::kFloat).device(device_)).mul_(2.0);
    }
    for (Pending& one : pending) one.wait();
    for (int64_t bucket = 0; bucket < 8; ++bucket) {
      const at::Tensor& sum = buckets[bucket];
      const double expected = static_cast<double>((step + bucket) * ranks->world_size());
      EXPECT_EQ(sum.min().item<double>(), expected);
      EXPECT_EQ(sum.max().item<double>(), expected);
    }
  }
  EXPECT_GT(ranks->traffic().exposed_seconds, 0.0);
}

}  // namespace
}  // namespace causalfm::comm

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  causalfm::comm::MpiEnvironment environment;
  causalfm::comm::environment = &environment;
  return RUN_ALL_TESTS();
}
