#include "comm/nccl_double/journal.hpp"
#include "comm/nccl_ranks.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <vector>

/// Which functions of NCCL are called, and in which order, from the start of a communicator to its end.
namespace causalfm::comm {
namespace {

using testing::ElementsAre;
using NcclLife = NcclTest;

Faults slow(int64_t) { return {.questions_in_progress = 3}; }

TEST_F(NcclLife, IsStartedAskedUsedFinalizedAskedAndDestroyed) {
  run(2, patient(), slow, [](Communicator& ranks, Computation& computation) {
    const at::Tensor values = computation.on_device(at::ones({3}));
    ranks.broadcast(values, 0).wait();
    computation.drain();
  });
  for (const int64_t rank : {0, 1}) {
    EXPECT_THAT(nccl_double::functions_of(rank),
                ElementsAre("ncclCommInitRankConfig", "ncclCommGetAsyncError", "ncclBroadcast", "ncclCommGetAsyncError",
                            "ncclCommFinalize", "ncclCommGetAsyncError", "ncclCommDestroy"));
  }
}

TEST_F(NcclLife, NothingButTheStateIsAskedForWhileInProgress) {
  run(3, patient(), slow, [](Communicator& ranks, Computation& computation) {
    const at::Tensor values = computation.on_device(at::ones({3, 2}));
    for (int round = 0; round < 5; ++round) {
      ranks.all_reduce(values);
      ranks.all_to_all(values, computation.on_device(at::zeros({3, 2})));
      ranks.all_gather(values, computation.on_device(at::zeros({9, 2})), {3, 3, 3});
      ranks.reduce_scatter(values, computation.on_device(at::zeros({1, 2})), {1, 1, 1});
      ranks.broadcast(values, 1);
      ranks.barrier();
    }
  });
  int in_progress = 0;
  for (const nccl_double::Record& record : nccl_double::records()) {
    if (!record.in_progress) continue;
    ++in_progress;
    EXPECT_EQ(record.function, "ncclCommGetAsyncError");
  }
  EXPECT_GT(in_progress, 3 * 5 * 6 * 3);
}

TEST_F(NcclLife, CollectivesUnderWayAreDoneBeforeTheEnd) {
  const auto late = [](int64_t) { return Faults{.lateness = std::chrono::milliseconds(100)}; };
  std::vector<at::Tensor> kept(2);
  run(2, patient(), late, [&](Communicator& ranks, Computation& computation) {
    kept[ranks.rank()] = computation.on_device(at::ones({3}));
    ranks.all_reduce(kept[ranks.rank()]);
  });
  for (at::Tensor& values : kept) {
    EXPECT_TRUE(at::equal(values, at::full({3}, 2.0)));
    values.reset();
  }
}

TEST_F(NcclLife, CommunicatorsAreIndependent) {
  run(2, [](Communicator& ranks, Computation& computation) {
    const at::Tensor first = computation.on_device(at::ones({3}));
    ranks.all_reduce(first).wait();
    EXPECT_TRUE(at::equal(computation.fetch(first), at::full({3}, 2.0)));
  });
  run(3, [](Communicator& ranks, Computation& computation) {
    const at::Tensor second = computation.on_device(at::ones({3}));
    ranks.all_reduce(second).wait();
    EXPECT_TRUE(at::equal(computation.fetch(second), at::full({3}, 3.0)));
  });
}

TEST_F(NcclLife, AllWorkIsOnOneStreamThatIsNotTheComputations) {
  std::vector<const void*> computations;
  std::mutex mutex;
  run(2, [&](Communicator& ranks, Computation& computation) {
    {
      const std::lock_guard lock(mutex);
      computations.push_back(computation.stream());
    }
    const at::Tensor values = computation.on_device(at::ones({2, 2}));
    ranks.all_reduce(values).wait();
    ranks.all_to_all(values, computation.on_device(at::zeros({2, 2}))).wait();
    ranks.barrier();
  });
  std::set<const void*> streams;
  for (const nccl_double::Record& record : nccl_double::records()) {
    if (record.stream == nullptr) continue;
    streams.insert(record.stream);
    EXPECT_THAT(computations, testing::Not(testing::Contains(record.stream)));
  }
  EXPECT_EQ(streams.size(), 2U);
}

}  // namespace
}  // namespace causalfm::comm
