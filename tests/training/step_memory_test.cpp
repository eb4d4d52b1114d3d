#include "causalfm/comm/backends.hpp"
#include "loaded_steps.hpp"
#include "small_config.hpp"
#include "test_host.hpp"
#include "training/assembly.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace causalfm::training {
namespace {

/// What tensors allocate on this thread, in bytes.
class AllocationRecord final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override {
    held_ += bytes;
    peak = std::max(peak, held_);
  }
  bool memoryProfilingEnabled() const override { return true; }

  int64_t peak = 0;

 private:
  int64_t held_ = 0;
};

/// Peak of one step beyond what model, optimizer and batch hold.
int64_t peak_bytes(int64_t triplets, int64_t micro_batch) {
  int64_t peak = 0;
  comm::run_ranks_as_threads(1, {}, [&](comm::Communicator& communicator) {
    config::Config settings = small_config();
    settings.train.batch_triplets = triplets;
    settings.train.micro_batch = micro_batch;
    const TestHost host(communicator);
    Assembly assembly = assemble(settings, host.host());
    Step step(settings, *assembly.model, *assembly.optimizer, communicator, c10::kCPU);
    const data::LoadedStep loaded = load_step(settings, assembly, 0, 1, 0);
    const auto record = std::make_shared<AllocationRecord>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, record);
    step.backward(loaded);
    peak = record->peak;
  });
  return peak;
}

TEST(StepMemory, IsThatOfAMicroBatchAndTheOutputs) {
  const int64_t whole = peak_bytes(96, 0);
  const int64_t half = peak_bytes(48, 0);
  const int64_t pieces = peak_bytes(96, 6);
  EXPECT_LT(pieces, whole / 10);                               // a sixteenth of the activations, and the outputs
  EXPECT_LT(pieces, peak_bytes(6, 0) * 5 / 4);                 // little more than a batch of one such piece
  EXPECT_LT((pieces - peak_bytes(48, 6)) * 50, whole - half);  // what grows with the batch is not activations
}

}  // namespace
}  // namespace causalfm::training
