#include "causalfm/comm/backends.hpp"
#include "loaded_steps.hpp"
#include "small_config.hpp"
#include "test_host.hpp"
#include "training/allocation_meter.hpp"
#include "training/assembly.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace causalfm::training {
namespace {

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
    const data::LoadedStep loaded = load_step(assembly, 0, 1, 0);
    const AllocationMeter memory;
    step.backward(loaded);
    peak = memory.peak_bytes();
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
