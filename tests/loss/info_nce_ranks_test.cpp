#include "causalfm/comm/backends.hpp"
#include "loss/info_nce_tiled.hpp"
#include "loss/random_contrast.hpp"
#include "loss/recording_communicator.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <chrono>
#include <tuple>

namespace causalfm::loss {
namespace {

using testing::ElementsAre;

const comm::Options patient{std::chrono::seconds(30)};

struct Result {
  double loss;
  at::Tensor gradient;  ///< [rows, width], undefined where a rank's rows want none
};

/// The task on as many ranks as rows_of_rank has entries: shares added up, gradients side by side.
Result on_ranks(const RandomContrast& task, const std::vector<int64_t>& rows_of_rank, const InfoNceOptions& options,
                ContrastPath path = ContrastPath::by_device) {
  const auto ranks = static_cast<int64_t>(rows_of_rank.size());
  std::vector<double> shares(ranks);
  std::vector<at::Tensor> gradients(ranks);
  comm::run_ranks_as_threads(ranks, patient, [&](comm::Communicator& communicator) {
    const int64_t rank = communicator.rank();
    const at::Tensor projection = run_of(task.projection, rows_of_rank, rank).requires_grad_(true);
    const at::Tensor share =
        info_nce(projection, task.labels, rows_of_rank, options, communicator, {path, TileSizes{8, 16}});
    share.backward();
    shares[rank] = share.item<double>();
    gradients[rank] = projection.grad();
  });
  return {std::accumulate(shares.begin(), shares.end(), 0.0), at::cat(gradients)};
}

class InfoNceOnRanks : public testing::TestWithParam<std::tuple<int64_t, ContrastPath>> {};

TEST_P(InfoNceOnRanks, IsThatOfOneRank) {
  const auto [ranks, path] = GetParam();
  std::mt19937_64 random(ranks);
  for (const Abundance abundance : every_abundance) {
    for (const bool inside : {true, false}) {
      for (const int64_t rows : {3, 30}) {
        const RandomContrast task = draw_contrast(random, abundance, rows, 5);
        const std::vector<int64_t> rows_of_rank = draw_rows_of_ranks(random, rows, ranks);
        const Result one = on_ranks(task, {rows}, {0.1, inside});
        const Result many = on_ranks(task, rows_of_rank, {0.1, inside}, path);
        EXPECT_NEAR(many.loss, one.loss, 1e-12 * std::max(1.0, one.loss));
        EXPECT_LE((many.gradient - one.gradient).abs().max().item<double>(),
                  1e-12 * std::max(1.0, one.gradient.abs().max().item<double>()));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, InfoNceOnRanks,
                         testing::Combine(testing::Values(1, 2, 3, 4, 8), testing::ValuesIn(every_path)));

TEST(InfoNceOnRanksBackward, RanksWithoutRowsAnchorsOrGradientTakePart) {
  std::mt19937_64 random(5);
  RandomContrast task = draw_contrast(random, Abundance::triplets, 12, 4);
  const std::vector<int64_t> rows_of_rank = {5, 0, 4, 3};
  task.labels.anchor.narrow(0, 9, 3).fill_(false);
  const Result expected = on_ranks(task, {12}, {0.1, true});
  std::vector<at::Tensor> gradients(4);
  std::vector<std::vector<std::string>> calls(4);
  comm::run_ranks_as_threads(4, patient, [&](comm::Communicator& threads) {
    RecordingCommunicator communicator(threads);
    const int64_t rank = communicator.rank();
    // Rank 1 has no rows and no graph, rank 2 constants, rank 3 no anchor.
    at::Tensor projection = run_of(task.projection, rows_of_rank, rank);
    if (rank == 0 || rank == 3) projection.requires_grad_(true);
    const at::Tensor share = info_nce(projection, task.labels, rows_of_rank, {0.1, true}, communicator);
    ASSERT_TRUE(share.requires_grad());
    share.backward();
    gradients[rank] = projection.grad();
    calls[rank] = communicator.calls;
  });
  EXPECT_LE((gradients[0] - run_of(expected.gradient, rows_of_rank, 0)).abs().max().item<double>(), 1e-13);
  EXPECT_LE((gradients[3] - run_of(expected.gradient, rows_of_rank, 3)).abs().max().item<double>(), 1e-13);
  EXPECT_GT(gradients[3].abs().max().item<double>(), 0.0);
  for (const auto& call : calls) EXPECT_THAT(call, ElementsAre("all_gather", "all_reduce", "reduce_scatter"));
}

TEST(InfoNceOnRanksBackward, NobodyExchangesGradientsThatNobodyWants) {
  std::mt19937_64 random(6);
  const RandomContrast task = draw_contrast(random, Abundance::triplets, 12, 4);
  comm::run_ranks_as_threads(2, patient, [&](comm::Communicator& threads) {
    RecordingCommunicator communicator(threads);
    const at::Tensor projection = run_of(task.projection, {7, 5}, communicator.rank()).requires_grad_(true);
    const at::NoGradGuard no_grad;
    EXPECT_FALSE(info_nce(projection, task.labels, {7, 5}, {0.1, true}, communicator).requires_grad());
    EXPECT_THAT(communicator.calls, ElementsAre("all_gather", "all_reduce"));
  });
}

TEST(InfoNceOnRanksBackward, EachSharesOwnWeightReachesTheKeysOfOthers) {
  std::mt19937_64 random(7);
  const RandomContrast task = draw_contrast(random, Abundance::triplets, 12, 4);
  // d(sum of weight_r share_r) on two ranks against the same sum by autograd on one.
  std::vector<at::Tensor> gradients(2);
  comm::run_ranks_as_threads(2, patient, [&](comm::Communicator& communicator) {
    const at::Tensor projection = run_of(task.projection, {6, 6}, communicator.rank()).requires_grad_(true);
    const at::Tensor share = info_nce(projection, task.labels, {6, 6}, {0.1, true}, communicator);
    (share * (1.0 + communicator.rank())).backward();
    gradients[communicator.rank()] = projection.grad();
  });
  at::Tensor expected = at::zeros({12, 4}, at::kDouble);
  for (const int64_t rank : {0, 1}) {
    RandomContrast own = task;
    own.labels.anchor = task.labels.anchor.clone();
    own.labels.anchor.narrow(0, 6 * (1 - rank), 6).fill_(false);
    const Result one = on_ranks(own, {12}, {0.1, true});
    expected += one.gradient * (0.5 * (1.0 + static_cast<double>(rank)));  // 2 of all 4 anchors are the rank's
  }
  EXPECT_LE((at::cat(gradients) - expected).abs().max().item<double>(), 1e-13);
}

}  // namespace
}  // namespace causalfm::loss
