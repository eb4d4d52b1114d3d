#include "causalfm/training/plan.hpp"
#include "causalfm/comm/backends.hpp"
#include "causalfm/config/error.hpp"
#include "causalfm/training/error.hpp"
#include "loaded_steps.hpp"
#include "small_config.hpp"
#include "test_host.hpp"
#include "training/allocation_meter.hpp"
#include "training/assembly.hpp"
#include "training/communication_model.hpp"
#include "training/operation_meter.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <string>

namespace causalfm::training {
namespace {

using comm::Collective;
using testing::HasSubstr;
using testing::ThrowsMessage;

Plan plan_for(const config::Config& settings, int64_t ranks, const std::string& accelerator = "") {
  const auto alone = comm::make_single();
  const TestHost host(*alone);
  PlanRequest request{.config = settings, .ranks = ranks};
  if (!accelerator.empty()) request.accelerator = accelerator;
  return plan(request, host.host());
}

/// What a step of the true job took of rank 0.
struct Observed {
  comm::Traffic traffic;
  double peak_bytes = 0.0;
};

Observed observe_step(const config::Config& settings, int64_t ranks) {
  Observed observed;
  comm::run_ranks_as_threads(ranks, {}, [&](comm::Communicator& communicator) {
    const TestHost host(communicator);
    Assembly assembly = assemble(settings, host.host());
    Step step(settings, *assembly.model, *assembly.optimizer, communicator, c10::kCPU);
    const data::LoadedStep loaded = load_step(assembly, communicator.rank(), ranks, 0);
    const AllocationMeter memory;
    step.backward(loaded);
    if (communicator.rank() == 0) {
      observed = {communicator.traffic(), static_cast<double>(memory.peak_bytes())};
    }
  });
  return observed;
}

comm::Traffic::Volume planned(const Plan& plan, Collective collective) {
  const auto found = std::ranges::find(plan.collectives, collective, &CollectivePlan::collective);
  return found == plan.collectives.end() ? comm::Traffic::Volume{} : found->volume;
}

struct Variant {
  std::string name;
  std::function<void(config::Config&)> change;
};

class PlanOf : public testing::TestWithParam<Variant> {};

TEST_P(PlanOf, TrafficIsWhatTheCommunicatorCounts) {
  config::Config settings = small_config();
  settings.train.batch_triplets = 25;
  GetParam().change(settings);
  for (const int64_t ranks : {1, 2, 3, 7}) {
    const Plan plan = plan_for(settings, ranks);
    const Observed step = observe_step(settings, ranks);
    for (int64_t kind = 0; kind < comm::collectives; ++kind) {
      const auto collective = static_cast<Collective>(kind);
      EXPECT_EQ(planned(plan, collective).calls, step.traffic.of(collective).calls)
          << comm::to_string(collective) << " on " << ranks << " ranks";
      EXPECT_EQ(planned(plan, collective).bytes, step.traffic.of(collective).bytes)
          << comm::to_string(collective) << " on " << ranks << " ranks";
    }
  }
}

TEST_P(PlanOf, MemoryOfAStepIsWhatTensorsTake) {
  config::Config settings = small_config();
  settings.train.batch_triplets = 90;
  GetParam().change(settings);
  for (const int64_t ranks : {1, 3}) {
    const double expected = observe_step(settings, ranks).peak_bytes;
    EXPECT_NEAR(plan_for(settings, ranks).memory.step, expected, 0.1 * expected) << ranks << " ranks";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, PlanOf,
    testing::Values(Variant{"conformer", [](config::Config&) {}},
                    Variant{"mlp", [](config::Config& settings) { settings.model.encoder = config::EncoderKind::mlp; }},
                    Variant{"pairs",
                            [](config::Config& settings) {
                              settings.model.latents = config::Latents::single;
                              settings.data.sampler = config::SamplerKind::pair;
                              settings.loss.instrument = 0;
                            }},
                    Variant{"bfloat16_micro_batches",
                            [](config::Config& settings) {
                              settings.comm.gradient_precision = config::GradientPrecision::bfloat16;
                              settings.train.micro_batch = 2;
                            }}),
    [](const auto& variant) { return variant.param.name; });

TEST(Plan, TheLargestBatchFillsTheMemoryAndNoMore) {
  config::Config settings = small_config();
  settings.train.batch_triplets = 100;
  const Plan small = plan_for(settings, 2, "h100");
  settings.train.batch_triplets = 300;
  const Plan large = plan_for(settings, 2, "h100");
  const double bytes_a_triplet = (large.memory.total - small.memory.total) / 200.0;
  const double filled = large.memory.total + bytes_a_triplet * static_cast<double>(large.largest_batch - 300);
  EXPECT_NEAR(filled, 0.8 * large.memory.available, 0.01 * large.memory.available);
  EXPECT_NEAR(static_cast<double>(small.largest_batch), static_cast<double>(large.largest_batch),
              0.05 * static_cast<double>(large.largest_batch));
}

TEST(Plan, TheOtherWayIsWhatThatConfigurationIsPlannedWith) {
  config::Config settings = small_config();
  settings.model.width = 32;
  settings.model.feed_forward = 32;
  settings.model.blocks = 3;
  settings.simulation.length = 100;
  config::Config recomputing = settings;
  recomputing.runtime.recompute_blocks = true;
  const Plan kept = plan_for(settings, 1), recomputed = plan_for(recomputing, 1);
  ASSERT_TRUE(kept.other_way && recomputed.other_way);
  EXPECT_TRUE(kept.other_way->recomputes);
  EXPECT_FALSE(recomputed.other_way->recomputes);
  EXPECT_EQ(kept.other_way->step, recomputed.memory.step);
  EXPECT_EQ(recomputed.other_way->step, kept.memory.step);
  EXPECT_LT(recomputed.memory.step, 0.5 * kept.memory.step);
  settings.model.encoder = config::EncoderKind::mlp;
  EXPECT_FALSE(plan_for(settings, 1).other_way);
}

TEST(Plan, MoreRanksExposeMoreCommunicationAndTheBoundIsTenPercent) {
  config::Config settings = small_config();
  settings.simulation.stars = 200;
  settings.train.batch_triplets = 512;
  const Plan plan = plan_for(settings, 4, "a100");
  ASSERT_EQ(plan.scales.size(), 10);
  EXPECT_EQ(plan.scales.front().exposed, 0.0);
  EXPECT_DOUBLE_EQ(plan.scales.front().efficiency, 1.0);
  for (size_t index = 1; index < plan.scales.size(); ++index) {
    EXPECT_GE(plan.scales[index].exposed, plan.scales[index - 1].exposed);
    EXPECT_LE(plan.scales[index].efficiency, plan.scales[index - 1].efficiency + 1e-12);
  }
  for (const ScalePlan& scale : plan.scales) {
    EXPECT_EQ(scale.exposed <= 0.1, scale.ranks <= plan.worthwhile_ranks) << scale.ranks;
  }
}

TEST(Plan, UnknownAcceleratorsAndTooManyRanksAreRefused) {
  EXPECT_THAT([] { plan_for(small_config(), 2, "h1000"); },
              ThrowsMessage<TrainingError>(AllOf(HasSubstr("h1000"), HasSubstr("h100, h200"))));
  EXPECT_THROW(plan_for(small_config(), 8), config::ConfigError);
}

TEST(Plan, ARingSendsWhatTheTextbookSays) {
  const Links links{1e9, 1e-6};
  const CollectivePlan reduce = cost_of(Collective::all_reduce, {1, 8'000'000}, links, 4);
  EXPECT_DOUBLE_EQ(reduce.ring_bytes, 2.0 * 3.0 / 4.0 * 8e6);
  EXPECT_DOUBLE_EQ(reduce.tree_bytes, 16e6);
  EXPECT_DOUBLE_EQ(reduce.seconds, 6e-6 + 12e-3);
  EXPECT_DOUBLE_EQ(cost_of(Collective::all_gather, {2, 8'000'000}, links, 4).ring_bytes, 6e6);
  EXPECT_DOUBLE_EQ(cost_of(Collective::all_reduce, {1, 8}, links, 1024).seconds, 20e-6 + 16e-9);
  EXPECT_EQ(cost_of(Collective::all_reduce, {9, 8'000'000}, links, 1).seconds, 0.0);
}

TEST(OperationMeter, CountsProductsAndLstm) {
  const at::Tensor left = at::randn({5, 7});
  const at::Tensor right = at::randn({7, 3});
  const OperationMeter meter;
  at::mm(left, right);
  EXPECT_EQ(meter.operations(), 2.0 * 5 * 7 * 3);
  at::linear(at::randn({4, 6, 7}), right.t(), at::randn({3}));
  EXPECT_EQ(meter.operations(), 2.0 * 5 * 7 * 3 + 2.0 * 24 * 7 * 3);
}

TEST(AllocationMeter, KnowsThePeak) {
  const AllocationMeter meter;
  {
    const at::Tensor one = at::empty({1 << 20});
    const at::Tensor other = at::empty({1 << 20});
  }
  const at::Tensor last = at::empty({1 << 20});
  EXPECT_NEAR(static_cast<double>(meter.peak_bytes()), 2.0 * (4 << 20), 4096.0);
  EXPECT_NEAR(static_cast<double>(meter.allocated_bytes()), 3.0 * (4 << 20), 4096.0);
  EXPECT_EQ(meter.allocations(), 3);
}

}  // namespace
}  // namespace causalfm::training
