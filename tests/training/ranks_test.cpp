#include "causalfm/comm/backends.hpp"
#include "causalfm/data/loader.hpp"
#include "small_config.hpp"
#include "test_host.hpp"
#include "training/assembly.hpp"
#include "training/step.hpp"
#include "training/validation.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace causalfm::training {
namespace {

/// What some steps of training leave behind.
struct Trained {
  std::vector<Losses> losses;
  std::vector<at::Tensor> gradients;
  at::Tensor parameters;
  size_t buckets = 0;
  ValidationResult validation;
};

Trained train_steps(const config::Config& settings, int64_t world_size, int64_t steps) {
  Trained trained;
  comm::run_ranks_as_threads(world_size, {}, [&](comm::Communicator& communicator) {
    const TestHost host(communicator);
    Assembly assembly = assemble(settings, host.host());
    Step step(settings, *assembly.model, *assembly.optimizer, communicator, c10::kCPU);
    data::LoaderOptions options;
    options.rank = communicator.rank();
    options.world_size = world_size;
    data::Loader loader(assembly.source, assembly.sampler, options);
    Trained mine;
    for (int64_t number = 0; number < steps; ++number) {
      const Step::Backward backward = step.backward(loader.next());
      mine.losses.push_back(backward.losses);
      mine.gradients.push_back(assembly.model->parameters().flat_gradients().clone());
      step.update(number, backward.gradient_norm);
    }
    mine.buckets = gradient_buckets(assembly.model->parameters(), settings.comm.bucket_mib).size();
    mine.parameters = assembly.model->parameters().flat_values().detach().clone();
    mine.validation = Validation(settings, assembly.source, communicator, c10::kCPU).run(*assembly.model);
    if (communicator.rank() == world_size - 1) trained = mine;
  });
  return trained;
}

double largest(const at::Tensor& tensor) { return tensor.abs().max().item<double>(); }

struct Variant {
  std::string name;
  std::function<void(config::Config&)> change;
  size_t least_buckets = 1;
};

/// What ranks that encode in pieces are compared with.
config::Config in_one_piece(config::Config settings) {
  settings.train.micro_batch = 0;
  return settings;
}

void expect_same_statistics(const loss::LatentStatistics& one, const loss::LatentStatistics& other) {
  EXPECT_NEAR(one.effective_rank, other.effective_rank, 1e-8);
  EXPECT_NEAR(one.alignment, other.alignment, 1e-8);
  EXPECT_NEAR(one.uniformity, other.uniformity, 1e-8);
}

void expect_one_rank_in_double(const Variant& variant, int64_t steps) {
  config::Config settings = small_config();
  settings.train.precision = config::Precision::float64;
  variant.change(settings);
  const Trained alone = train_steps(in_one_piece(settings), 1, steps);
  for (const int64_t ranks : {2, 3, 4}) {  // 7 triplets divide by none of them
    const Trained together = train_steps(settings, ranks, steps);
    for (std::size_t step = 0; step < alone.losses.size(); ++step) {
      EXPECT_NEAR(together.losses[step].total, alone.losses[step].total, 1e-9 * alone.losses[step].total);
      EXPECT_LE(largest(together.gradients[step] - alone.gradients[step]), 1e-9 * largest(alone.gradients[step]))
          << ranks << " ranks, step " << step;
    }
    EXPECT_LE(largest(together.parameters - alone.parameters), 1e-9 * largest(alone.parameters)) << ranks << " ranks";
    EXPECT_GE(together.buckets, variant.least_buckets);
    EXPECT_NEAR(together.validation.losses.total, alone.validation.losses.total, 1e-9);
    EXPECT_EQ(together.validation.star_recall, alone.validation.star_recall);
    expect_same_statistics(together.validation.star, alone.validation.star);
    if (settings.model.latents == config::Latents::dual) {
      EXPECT_EQ(together.validation.instrument_recall, alone.validation.instrument_recall);
      expect_same_statistics(together.validation.instrument, alone.validation.instrument);
    } else {
      EXPECT_TRUE(std::isnan(together.validation.instrument_recall));
      EXPECT_TRUE(std::isnan(together.validation.instrument.effective_rank));
    }
  }
}

class RanksAreOneRank : public testing::TestWithParam<Variant> {};
using RanksAreOneRankLong = RanksAreOneRank;

TEST_P(RanksAreOneRank, InDoubleTo1e9) { expect_one_rank_in_double(GetParam(), 6); }
TEST_P(RanksAreOneRankLong, InDoubleTo1e9) { expect_one_rank_in_double(GetParam(), 30); }

TEST_P(RanksAreOneRank, InFloatToRounding) {
  constexpr int64_t steps = 6;
  config::Config settings = small_config();
  GetParam().change(settings);
  const Trained alone = train_steps(in_one_piece(settings), 1, steps);
  for (const int64_t ranks : {2, 3}) {
    const Trained together = train_steps(settings, ranks, steps);
    EXPECT_NEAR(together.losses[0].total, alone.losses[0].total, 1e-6 * alone.losses[0].total);
    EXPECT_LE(largest(together.gradients[0] - alone.gradients[0]), 1e-5 * largest(alone.gradients[0]));
    EXPECT_LE(largest(together.parameters - alone.parameters), 1e-5);
  }
}

const auto models = testing::Values(Variant{"conformer", [](config::Config&) {}},
                                    Variant{"mlp_all_anchors",
                                            [](config::Config& settings) {
                                              settings.model.encoder = config::EncoderKind::mlp;
                                              settings.loss.anchors = config::Anchors::all;
                                            }},
                                    Variant{"many_buckets_micro_batches",
                                            [](config::Config& settings) {
                                              settings.model.encoder = config::EncoderKind::mlp;
                                              settings.model.width = 40;
                                              settings.train.micro_batch = 1;
                                            },
                                            6},
                                    Variant{"single_pairs",
                                            [](config::Config& settings) {
                                              settings.model.latents = config::Latents::single;
                                              settings.data.sampler = config::SamplerKind::pair;
                                              settings.loss.instrument = 0;
                                            }},
                                    Variant{"observation_latent_outside_log_clipped", [](config::Config& settings) {
                                              settings.model.observation_latent = 3;
                                              settings.loss.positives_inside_log = false;
                                              settings.train.gradient_clip = 0.1;
                                              settings.train.micro_batch = 2;
                                              settings.train.weight_decay = 0.01;
                                            }});
const auto name_of = [](const auto& variant) { return variant.param.name; };

INSTANTIATE_TEST_SUITE_P(Models, RanksAreOneRank, models, name_of);
INSTANTIATE_TEST_SUITE_P(Models, RanksAreOneRankLong, models, name_of);

}  // namespace
}  // namespace causalfm::training
