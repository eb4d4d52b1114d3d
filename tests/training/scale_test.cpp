#include "causalfm/comm/backends.hpp"
#include "causalfm/training/plan.hpp"
#include "loaded_steps.hpp"
#include "small_config.hpp"
#include "test_host.hpp"
#include "training/assembly.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

/// The loss and the reduction on as many ranks as a large job has, each a thread with a tiny model of its own.
namespace causalfm::training {
namespace {

struct Trained {
  std::vector<double> losses;
  at::Tensor gradients;   ///< of the last step
  at::Tensor parameters;  ///< after it
  comm::Traffic traffic;  ///< of one step
};

Trained train_steps(const config::Config& settings, int64_t ranks) {
  constexpr int64_t steps = 2;
  Trained trained;
  comm::run_ranks_as_threads(ranks, {}, [&](comm::Communicator& communicator) {
    const TestHost host(communicator);
    Assembly assembly = assemble(settings, host.host());
    Step step(settings, *assembly.model, *assembly.optimizer, communicator, c10::kCPU);
    Trained mine;
    for (int64_t number = 0; number < steps; ++number) {
      const comm::Traffic before = communicator.traffic();
      const Step::Backward backward = step.backward(load_step(assembly, communicator.rank(), ranks, number));
      mine.losses.push_back(backward.losses.total);
      mine.gradients = assembly.model->parameters().flat_gradients().clone();
      step.update(number, backward.gradient_norm);
      mine.traffic = communicator.traffic().since(before);
    }
    mine.parameters = assembly.model->parameters().flat_values().detach().clone();
    if (communicator.rank() == ranks - 1) trained = mine;
  });
  return trained;
}

double largest(const at::Tensor& tensor) { return tensor.abs().max().item<double>(); }

void expect_as_one_rank(int64_t ranks) {
  config::Config settings = small_config();
  settings.simulation.stars = 200;
  settings.model.encoder = config::EncoderKind::mlp;
  settings.train.precision = config::Precision::float64;
  settings.train.batch_triplets = 2 * ranks + ranks / 3;  // some ranks hold three triplets, the others two
  const Trained alone = train_steps(settings, 1);
  const Trained together = train_steps(settings, ranks);
  for (size_t step = 0; step < alone.losses.size(); ++step) {
    EXPECT_NEAR(together.losses[step], alone.losses[step], 1e-10 * alone.losses[step]);
  }
  EXPECT_LE(largest(together.gradients - alone.gradients), 1e-9 * largest(alone.gradients));
  EXPECT_LE(largest(together.parameters - alone.parameters), 1e-9 * largest(alone.parameters));

  const auto single = comm::make_single();
  const Plan planned = plan({.config = settings, .ranks = ranks}, TestHost(*single).host());
  for (const CollectivePlan& collective : planned.collectives) {
    const comm::Traffic::Volume& used = together.traffic.of(collective.collective);
    EXPECT_EQ(used.calls, collective.volume.calls) << comm::to_string(collective.collective);
    EXPECT_EQ(used.bytes, collective.volume.bytes) << comm::to_string(collective.collective);
  }
}

TEST(Scale, SixtyFourRanksAreOneRankAndExchangeWhatThePlanSays) { expect_as_one_rank(64); }

TEST(ScaleLong, TwoHundredAndFiftySixRanksAreOneRankAndExchangeWhatThePlanSays) { expect_as_one_rank(256); }

}  // namespace
}  // namespace causalfm::training
