#include "causalfm/comm/backends.hpp"
#include "loaded_steps.hpp"
#include "observed_communicator.hpp"
#include "small_config.hpp"
#include "test_host.hpp"
#include "training/assembly.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace causalfm::training {
namespace {

struct Variant {
  std::string name;
  std::function<void(config::Config&)> change;
};

class StepOverlap : public testing::TestWithParam<Variant> {};

/// Parameters are registered in the order of the forward pass, so that backward completes the buckets one after the
/// other; and it reaches all of them, so that none waits for its end.
TEST_P(StepOverlap, BucketsLeaveWhenBackwardHasJustPassedThem) {
  config::Config settings = small_config();
  settings.model.width = 32;
  settings.model.heads = 4;
  settings.model.feed_forward = 64;
  settings.model.blocks = 2;
  settings.model.observation_latent = 3;
  GetParam().change(settings);
  const auto alone = comm::make_single();
  ObservedCommunicator communicator(*alone);
  const TestHost host(communicator);
  Assembly assembly = assemble(settings, host.host());
  const model::Parameters& parameters = assembly.model->parameters();
  Step step(settings, *assembly.model, *assembly.optimizer, communicator, c10::kCPU);

  // Called before a gradient is accumulated: how many elements were found by then, and how many buckets had left.
  std::vector<int64_t> found_at_launch;
  int64_t found = 0;
  const auto launched = [&] {
    return std::ranges::count_if(communicator.calls,
                                 [](const std::string& words) { return words.ends_with("for gradients"); });
  };
  for (const auto& entry : parameters.entries()) {
    entry.value.register_hook([&, elements = entry.value.numel()](const at::Tensor& gradient) {
      found_at_launch.resize(launched(), found);
      found += elements;
      return gradient;
    });
  }
  step.backward(load_step(assembly, 0, 1, 0));
  EXPECT_EQ(found, parameters.count());

  const std::vector<GradientBucket> buckets = gradient_buckets(parameters, settings.comm.bucket_mib);
  EXPECT_GE(buckets.size(), 8);
  EXPECT_EQ(launched(), buckets.size());
  EXPECT_GE(found_at_launch.size() + 1, buckets.size());  // the last leaves with the last gradient
  int64_t complete = 0;
  for (size_t bucket = 0; bucket < found_at_launch.size(); ++bucket) {
    complete += buckets[bucket].elements;
    EXPECT_LT(found_at_launch[bucket] - complete, parameters.count() / 8) << "bucket " << bucket << " left late";
  }
}

INSTANTIATE_TEST_SUITE_P(Objectives, StepOverlap,
                         testing::Values(Variant{"whole", [](config::Config&) {}},
                                         Variant{"spectrum",
                                                 [](config::Config& settings) {
                                                   settings.model.spectrum = config::Spectrum::amplitudes;
                                                 }},
                                         Variant{"without_reconstruction",
                                                 [](config::Config& settings) { settings.loss.reconstruction = 0; }},
                                         Variant{"without_contrast",
                                                 [](config::Config& settings) {
                                                   settings.loss.star = 0;
                                                   settings.loss.instrument = 0;
                                                 }}),
                         [](const auto& variant) { return variant.param.name; });

using Clock = std::chrono::steady_clock;

/// One rank, whose all-reduces go one after the other over a wire of so many seconds a byte, without using its cores.
class SlowWire final : public comm::Communicator {
 public:
  int64_t rank() const override { return 0; }
  int64_t world_size() const override { return 1; }
  std::string_view backend() const override { return "single"; }

  double seconds_per_byte = 0.0;
  double seconds = 0.0;  ///< for which the wire was used

 private:
  using Operation = std::unique_ptr<comm::Pending::Operation>;

  struct Until final : comm::Pending::Operation {
    explicit Until(Clock::time_point end) : end(end) {}
    void wait() override { std::this_thread::sleep_until(end); }
    Clock::time_point end;
  };

  Operation start_all_reduce(const comm::Call& call, at::Tensor, comm::Reduction) override {
    const double own = seconds_per_byte * static_cast<double>(call.bytes);
    seconds += own;
    free_ =
        std::max(free_, Clock::now()) + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(own));
    return std::make_unique<Until>(free_);
  }
  Operation start_all_gather(const comm::Call&, at::Tensor slice, at::Tensor gathered, at::IntArrayRef) override {
    gathered.copy_(slice);
    return {};
  }
  Operation start_reduce_scatter(const comm::Call&, at::Tensor tensor, at::Tensor slice, at::IntArrayRef) override {
    slice.copy_(tensor);
    return {};
  }
  Operation start_all_to_all(const comm::Call&, at::Tensor sent, at::Tensor received) override {
    received.copy_(sent);
    return {};
  }
  Operation start_broadcast(const comm::Call&, at::Tensor, int64_t) override { return {}; }
  Operation start_barrier(const comm::Call&) override { return {}; }

  Clock::time_point free_;
};

TEST(StepOverlapLong, HidesMostOfAWireThatTakesHalfOfBackward) {
  config::Config settings = small_config();
  settings.model = config::Model{};
  settings.simulation.length = 100;
  settings.train.batch_triplets = 16;
  SlowWire wire;
  const TestHost host(wire);
  Assembly assembly = assemble(settings, host.host());
  Step step(settings, *assembly.model, *assembly.optimizer, wire, c10::kCPU);
  const data::LoadedStep loaded = load_step(assembly, 0, 1, 0);
  step.backward(loaded);  // warms up

  const auto start = Clock::now();
  step.backward(loaded);
  const double step_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  // Backward is some two thirds of a step, half of which is a third.
  wire.seconds_per_byte =
      step_seconds / 3 / static_cast<double>(assembly.model->parameters().flat_gradients().nbytes());
  wire.seconds = 0.0;
  const double exposed_before = wire.traffic().exposed_seconds;
  step.backward(loaded);
  const double exposed = wire.traffic().exposed_seconds - exposed_before;
  EXPECT_GT(wire.seconds, 0.9 * step_seconds / 3);
  EXPECT_LT(exposed, 0.3 * wire.seconds);
  RecordProperty("hidden_percent", std::to_string(100 * (1 - exposed / wire.seconds)));
}

}  // namespace
}  // namespace causalfm::training
