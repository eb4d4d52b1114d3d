#include "causalfm/loss/objective.hpp"

#include "causalfm/comm/backends.hpp"
#include "causalfm/loss/error.hpp"
#include "loss/contrast_reference.hpp"
#include "loss/random_contrast.hpp"
#include "loss/recording_communicator.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <chrono>

namespace causalfm::loss {
namespace {

using testing::ElementsAre;

const comm::Options patient{std::chrono::seconds(30)};
constexpr int64_t rows = 12;
constexpr int64_t length = 7;

/// The global batch: four triplets with masks, of which curve 4 has no observed sample.
struct GlobalBatch {
  GlobalBatch() {
    at::manual_seed(1);
    star = at::randn({rows, 5}, at::kDouble);
    instrument = at::randn({rows, 6}, at::kDouble);
    reconstructed = at::randn({rows, length}, at::kDouble);
    flux = at::randn({rows, length}, at::kDouble);
    mask = at::rand({rows, length}) > 0.3;
    mask[4].fill_(false);
    identity.star_id = at::tensor({0, 0, 1, 2, 2, 0, 1, 1, 2, 3, 3, 0}, at::kLong);
    identity.instrument_id = at::tensor({0, 1, 0, 1, 2, 1, 3, 0, 3, 2, 1, 2}, at::kLong);
    identity.is_anchor = at::arange(rows).remainder(3).eq(0);
    identity.rows_of_rank = {rows};
  }

  LocalOutputs outputs_of(const std::vector<int64_t>& rows_of_rank, int64_t rank) const {
    const auto leaf = [&](const at::Tensor& whole) { return run_of(whole, rows_of_rank, rank).requires_grad_(true); };
    return {leaf(star), leaf(instrument), leaf(reconstructed), run_of(flux, rows_of_rank, rank),
            run_of(mask, rows_of_rank, rank)};
  }

  at::Tensor star, instrument, reconstructed, flux, mask;
  BatchIdentity identity;
};

double masked_error_in_loops(const GlobalBatch& batch) {
  double sum_of_curves = 0.0;
  int64_t curves = 0;
  for (int64_t curve = 0; curve < rows; ++curve) {
    double sum = 0.0;
    int64_t observed = 0;
    for (int64_t t = 0; t < length; ++t) {
      if (!batch.mask[curve][t].item<bool>()) continue;
      const double residual = (batch.reconstructed[curve][t] - batch.flux[curve][t]).item<double>();
      sum += residual * residual;
      ++observed;
    }
    if (observed == 0) continue;
    sum_of_curves += sum / static_cast<double>(observed);
    ++curves;
  }
  return sum_of_curves / static_cast<double>(curves);
}

TEST(Objective, IsTheWeightedSumOfItsParts) {
  const GlobalBatch batch;
  config::Loss settings;
  settings.temperature = 0.4;
  settings.instrument_temperature = 0.2;
  settings.reconstruction = 0.5;
  settings.star = 2.0;
  settings.instrument = 3.0;
  for (const config::Anchors anchors : {config::Anchors::first, config::Anchors::all}) {
    settings.anchors = anchors;
    const Objective result = objective(batch.outputs_of({rows}, 0), batch.identity, settings, *comm::make_single());
    at::Tensor anchor = batch.identity.is_anchor;
    if (anchors == config::Anchors::all) anchor = at::ones_like(anchor);
    const at::Tensor& star_id = batch.identity.star_id;
    const at::Tensor& instrument_id = batch.identity.instrument_id;
    const double error = masked_error_in_loops(batch);
    const double star = info_nce_in_loops(batch.star, {star_id, instrument_id, {}, anchor}, {0.4, true});
    const double instrument = info_nce_in_loops(batch.instrument, {instrument_id, star_id, {}, anchor}, {0.2, true});
    const at::Tensor expected =
        at::tensor({0.5 * error + 2.0 * star + 3.0 * instrument, error, star, instrument}, at::kDouble);
    EXPECT_TRUE(at::allclose(result.global, expected, 1e-12, 1e-12)) << result.global << expected;
    EXPECT_NEAR(result.total_part.item<double>(), expected[0].item<double>(), 1e-12);
  }
}

TEST(Objective, GroupsAndThePositiveFormReachTheContrast) {
  GlobalBatch batch;
  batch.identity.group_id = at::tensor({0, 1, 0, -1, 0, -1, 1, 0, 1, -1, 0, 1}, at::kLong);
  config::Loss settings;
  settings.positives_inside_log = false;
  const at::Tensor global =
      objective(batch.outputs_of({rows}, 0), batch.identity, settings, *comm::make_single()).global;
  const BatchIdentity& identity = batch.identity;
  EXPECT_NEAR(
      global[2].item<double>(),
      info_nce_in_loops(batch.star, {identity.star_id, identity.instrument_id, identity.group_id, identity.is_anchor},
                        {settings.temperature, false}),
      1e-12);
}

class ObjectiveOnRanks : public testing::TestWithParam<int64_t> {};

TEST_P(ObjectiveOnRanks, IsThatOfOneRank) {
  const GlobalBatch batch;
  const config::Loss settings;
  const LocalOutputs whole = batch.outputs_of({rows}, 0);
  const auto single = comm::make_single();
  const Objective expected = objective(whole, batch.identity, settings, *single);
  expected.total_part.backward();

  std::mt19937_64 random(GetParam());
  for (int repeat = 0; repeat < 10; ++repeat) {
    BatchIdentity identity = batch.identity;
    identity.rows_of_rank = draw_rows_of_ranks(random, rows, GetParam());
    std::vector<LocalOutputs> outputs(GetParam());
    std::vector<at::Tensor> globals(GetParam());
    std::vector<double> parts(GetParam());
    std::vector<std::vector<std::string>> calls(GetParam());
    comm::run_ranks_as_threads(GetParam(), patient, [&](comm::Communicator& threads) {
      RecordingCommunicator communicator(threads);
      const int64_t rank = communicator.rank();
      outputs[rank] = batch.outputs_of(identity.rows_of_rank, rank);
      const Objective result = objective(outputs[rank], identity, settings, communicator);
      result.total_part.backward();
      parts[rank] = result.total_part.item<double>();
      globals[rank] = result.global;
      calls[rank] = communicator.calls;
    });
    const auto expect_gradient = [&](at::Tensor LocalOutputs::*output) {
      std::vector<at::Tensor> gradients;
      for (const LocalOutputs& local : outputs) gradients.push_back((local.*output).grad());
      EXPECT_LE((at::cat(gradients) - (whole.*output).grad()).abs().max().item<double>(), 1e-12);
    };
    expect_gradient(&LocalOutputs::projection_star);
    expect_gradient(&LocalOutputs::projection_instrument);
    expect_gradient(&LocalOutputs::reconstructed);
    EXPECT_NEAR(std::accumulate(parts.begin(), parts.end(), 0.0), expected.total_part.item<double>(), 1e-12);
    for (const at::Tensor& global : globals) {
      EXPECT_TRUE(at::equal(global, globals[0]));
      EXPECT_TRUE(at::allclose(global, expected.global, 1e-12, 1e-12));
    }
    for (const auto& names : calls) EXPECT_EQ(names, calls[0]);
  }
}

INSTANTIATE_TEST_SUITE_P(, ObjectiveOnRanks, testing::Values(2, 3, 4, 8));

TEST(Objective, MasksMayBeAbsentOnSomeRanks) {
  GlobalBatch batch;
  batch.mask.narrow(0, 0, 4).fill_(true);
  batch.identity.rows_of_rank = {4, 8};
  const double expected = masked_error_in_loops(batch);
  comm::run_ranks_as_threads(2, patient, [&](comm::Communicator& communicator) {
    LocalOutputs outputs = batch.outputs_of({4, 8}, communicator.rank());
    if (communicator.rank() == 0) outputs.mask = at::Tensor();
    EXPECT_NEAR(objective(outputs, batch.identity, {}, communicator).global[1].item<double>(), expected, 1e-13);
  });
}

TEST(Objective, ABatchWithoutAnObservedSampleHasNoReconstructionError) {
  GlobalBatch batch;
  batch.mask.fill_(false);
  const LocalOutputs outputs = batch.outputs_of({rows}, 0);
  const auto single = comm::make_single();
  const Objective result = objective(outputs, batch.identity, {}, *single);
  result.total_part.backward();
  EXPECT_EQ(result.global[1].item<double>(), 0.0);
  EXPECT_TRUE(at::equal(outputs.reconstructed.grad(), at::zeros({rows, length}, at::kDouble)));
}

TEST(Objective, ATermOfWeightZeroIsNotComputed) {
  const GlobalBatch batch;
  const auto single = comm::make_single();
  RecordingCommunicator communicator(*single);
  config::Loss settings;
  settings.star = 0.0;
  settings.instrument = 0.0;
  LocalOutputs outputs = batch.outputs_of({rows}, 0);
  outputs.projection_star = at::Tensor();
  const Objective result = objective(outputs, batch.identity, settings, communicator);
  EXPECT_EQ(result.global[2].item<double>(), 0.0);
  EXPECT_EQ(result.global[0].item<double>(), result.global[1].item<double>());
  EXPECT_THAT(communicator.calls, ElementsAre("all_reduce", "all_reduce"));
  settings.reconstruction = 0.0;
  settings.instrument = 1.0;
  communicator.calls.clear();
  EXPECT_EQ(objective(outputs, batch.identity, settings, communicator).global[1].item<double>(), 0.0);
  EXPECT_THAT(communicator.calls, ElementsAre("all_gather", "all_reduce", "all_reduce"));
}

TEST(Objective, ASingleLatentHasNoInstrumentTerm) {
  const GlobalBatch batch;
  LocalOutputs outputs = batch.outputs_of({rows}, 0);
  outputs.projection_instrument = at::Tensor();
  const at::Tensor global = objective(outputs, batch.identity, {}, *comm::make_single()).global;
  EXPECT_EQ(global[3].item<double>(), 0.0);
  EXPECT_DOUBLE_EQ(global[0].item<double>(), (global[1] + global[2]).item<double>());
}

TEST(Objective, WhatDoesNotFitIsRefused) {
  const GlobalBatch batch;
  const auto single = comm::make_single();
  LocalOutputs outputs = batch.outputs_of({rows}, 0);
  BatchIdentity identity = batch.identity;
  identity.rows_of_rank = {rows - 1};
  EXPECT_THROW(objective(outputs, identity, {}, *single), LossError);
  identity.rows_of_rank = {rows, 0};
  EXPECT_THROW(objective(outputs, identity, {}, *single), LossError);
  outputs.reconstructed = at::zeros({rows - 1, length});
  EXPECT_THROW(objective(outputs, batch.identity, {}, *single), LossError);
  outputs = batch.outputs_of({rows}, 0);
  outputs.projection_star = at::Tensor();
  EXPECT_THROW(objective(outputs, batch.identity, {}, *single), LossError);
}

}  // namespace
}  // namespace causalfm::loss
