#include "causalfm/comm/backends.hpp"
#include "causalfm/loss/objective.hpp"
#include "loaded_steps.hpp"
#include "observed_communicator.hpp"
#include "small_config.hpp"
#include "test_host.hpp"
#include "training/assembly.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace causalfm::training {
namespace {

struct Computed {
  double loss = 0.0;
  std::vector<at::Tensor> gradients;  ///< one a parameter
};

struct Variant {
  std::string name;
  std::function<void(config::Config&)> change;
  bool masked = false;
};

constexpr int64_t step_number = 3;  // dropout depends on it

std::vector<at::Tensor> gradients_of(const Assembly& assembly) {
  std::vector<at::Tensor> gradients;
  for (const auto& entry : assembly.model->parameters().entries()) gradients.push_back(entry.value.grad().clone());
  return gradients;
}

data::LoadedStep load(const config::Config& settings, const Variant& variant, const Assembly& assembly,
                      const comm::Communicator& communicator) {
  data::LoadedStep loaded = load_step(assembly, communicator.rank(), communicator.world_size(), step_number);
  if (variant.masked) hide_samples(loaded.batch);
  return loaded;
}

/// The plain way: the whole batch on one rank, one graph from the loss to the parameters.
Computed plain(const config::Config& settings, const Variant& variant) {
  const auto alone = comm::make_single();
  const TestHost host(*alone);
  const Assembly assembly = assemble(settings, host.host());
  const data::LoadedStep loaded = load(settings, variant, assembly, *alone);
  const model::Curves curves = to_curves(loaded.batch, at::kDouble, c10::kCPU);
  const model::DropoutKey dropout{static_cast<uint64_t>(settings.seed), step_number, 0};
  const model::Outputs outputs = assembly.model->forward(curves, &dropout);
  const loss::BatchIdentity identity{loaded.global.star_id, loaded.global.instrument_id, loaded.global.group_id,
                                     loaded.global.role.eq(0), loaded.rows_of_rank};
  const loss::Objective objective = loss::objective(
      {outputs.projection_star, outputs.projection_instrument, outputs.reconstructed, curves.flux, curves.mask},
      identity, settings.loss, *alone);
  objective.total_part.backward();
  return {objective.global[0].item<double>(), gradients_of(assembly)};
}

Computed in_pieces(const config::Config& settings, const Variant& variant, int64_t ranks) {
  Computed computed;
  comm::run_ranks_as_threads(ranks, {}, [&](comm::Communicator& communicator) {
    const TestHost host(communicator);
    Assembly assembly = assemble(settings, host.host());
    Step step(settings, *assembly.model, *assembly.optimizer, communicator, c10::kCPU);
    const Step::Backward backward = step.backward(load(settings, variant, assembly, communicator));
    if (communicator.rank() == ranks - 1) computed = {backward.losses.total, gradients_of(assembly)};
  });
  return computed;
}

double largest(const at::Tensor& tensor) { return tensor.abs().max().item<double>(); }

class MicroBatchesAreTheWholeBatch : public testing::TestWithParam<Variant> {};

TEST_P(MicroBatchesAreTheWholeBatch, InDoubleTo1e9) {
  config::Config settings = small_config();
  settings.train.precision = config::Precision::float64;
  GetParam().change(settings);
  const Computed whole = plain(settings, GetParam());
  // 7 triplets: on 3 ranks one holds 3 of them and the others 2, so that pieces of 2 are 2, 1 and 1.
  for (const int64_t ranks : {1, 2, 3}) {
    for (const int64_t micro_batch : ranks == 1 ? std::vector<int64_t>{0, 1, 3, 100} : std::vector<int64_t>{0, 2}) {
      settings.train.micro_batch = micro_batch;
      const Computed found = in_pieces(settings, GetParam(), ranks);
      EXPECT_NEAR(found.loss, whole.loss, 1e-12 * whole.loss);
      ASSERT_EQ(found.gradients.size(), whole.gradients.size());
      for (size_t index = 0; index < whole.gradients.size(); ++index) {
        EXPECT_LE(largest(found.gradients[index] - whole.gradients[index]), 1e-9 * largest(whole.gradients[index]))
            << "parameter " << index << ", " << ranks << " ranks, pieces of " << micro_batch;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, MicroBatchesAreTheWholeBatch,
    testing::Values(
        Variant{"conformer", [](config::Config&) {}},
        Variant{"recomputed_blocks", [](config::Config& settings) { settings.runtime.recompute_blocks = true; }},
        Variant{"masked_spectrum",
                [](config::Config& settings) { settings.model.spectrum = config::Spectrum::amplitudes; }, true},
        Variant{"mlp_masked_all_anchors",
                [](config::Config& settings) {
                  settings.model.encoder = config::EncoderKind::mlp;
                  settings.loss.anchors = config::Anchors::all;
                },
                true},
        Variant{"single_pairs",
                [](config::Config& settings) {
                  settings.model.latents = config::Latents::single;
                  settings.data.sampler = config::SamplerKind::pair;
                  settings.loss.instrument = 0;
                }},
        Variant{"observation_latent_masked",
                [](config::Config& settings) {
                  settings.model.observation_latent = 3;
                  settings.loss.positives_inside_log = false;
                },
                true},
        Variant{"contrast_alone", [](config::Config& settings) { settings.loss.reconstruction = 0; }},
        Variant{"reconstruction_alone",
                [](config::Config& settings) {
                  settings.loss.star = 0;
                  settings.loss.instrument = 0;
                }}),
    [](const auto& variant) { return variant.param.name; });

/// Collectives of a step on one rank, those for gradients left out.
int64_t calls_of_the_loss(int64_t micro_batch) {
  config::Config settings = small_config();
  settings.train.micro_batch = micro_batch;
  const auto alone = comm::make_single();
  ObservedCommunicator communicator(*alone);
  const TestHost host(communicator);
  Assembly assembly = assemble(settings, host.host());
  Step step(settings, *assembly.model, *assembly.optimizer, communicator, c10::kCPU);
  step.backward(load_step(assembly, 0, 1, 0));
  return std::ranges::count_if(communicator.calls,
                               [](const std::string& words) { return words.find("gradients") == std::string::npos; });
}

TEST(MicroBatches, TheLossIsComputedOnce) {
  EXPECT_GT(calls_of_the_loss(0), 4);
  EXPECT_EQ(calls_of_the_loss(1), calls_of_the_loss(0));
}

}  // namespace
}  // namespace causalfm::training
