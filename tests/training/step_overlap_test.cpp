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
#include <functional>
#include <string>
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
  step.backward(load_step(settings, assembly, 0, 1, 0));
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

}  // namespace
}  // namespace causalfm::training
