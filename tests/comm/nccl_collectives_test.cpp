#include "comm/collective_properties.hpp"
#include "comm/nccl_double/journal.hpp"
#include "comm/nccl_ranks.hpp"

#include <ATen/ATen.h>

#include <vector>

namespace causalfm::comm {
namespace {

using nccl_double::Record;

struct Circumstances {
  int64_t ranks;
  int questions_in_progress;
};

void PrintTo(const Circumstances& circumstances, std::ostream* stream) {
  *stream << circumstances.ranks << " ranks, " << circumstances.questions_in_progress << " questions in progress";
}

class NcclOfWorld : public NcclTest, public testing::WithParamInterface<Circumstances> {
 protected:
  static void check_on(int rounds, const std::function<Workbench(Computation&)>& workbench) {
    const auto faults = [](int64_t rank) {
      Faults faults;
      faults.questions_in_progress = GetParam().questions_in_progress * static_cast<int>(1 + rank);
      return faults;
    };
    run(GetParam().ranks, patient(), faults, [&](Communicator& ranks, Computation& computation) {
      check_random_collectives(ranks, 7, rounds, workbench(computation));
    });
  }
};

TEST_P(NcclOfWorld, AgreesWithPlainEvaluationOnTheDevice) {
  check_on(40, [](Computation& computation) {
    return Workbench{[&](const at::Tensor& values) { return computation.on_device(values); },
                     [&](const at::Tensor& tensor) { return computation.fetch(tensor); }};
  });
}

TEST_P(NcclOfWorld, AgreesWithPlainEvaluationInHostMemory) {
  check_on(40, [](Computation&) { return host_workbench(); });
}

INSTANTIATE_TEST_SUITE_P(, NcclOfWorld,
                         testing::Values(Circumstances{1, 0}, Circumstances{2, 0}, Circumstances{3, 0},
                                         Circumstances{3, 2}));

using NcclCollectives = NcclTest;

TEST_F(NcclCollectives, RanksKnowTheirPlace) {
  run(3, [](Communicator& ranks, Computation&) {
    EXPECT_EQ(ranks.backend(), "nccl");
    EXPECT_EQ(ranks.world_size(), 3);
    at::Tensor sum = at::full({1}, int64_t{1} << ranks.rank(), at::kLong);
    ranks.all_reduce(sum).wait();
    EXPECT_EQ(sum.item<int64_t>(), 7);
  });
}

std::vector<Record> records_of(const std::string& function) {
  std::vector<Record> found;
  for (const Record& record : nccl_double::records()) {
    if (record.function == function) found.push_back(record);
  }
  return found;
}

TEST_F(NcclCollectives, UnevenSlicesArePaddedToTheLargest) {
  run(3, [](Communicator& ranks, Computation& computation) {
    const std::vector<int64_t> rows{0, 5, 2};
    const int64_t own = rows[ranks.rank()];
    const at::Tensor slice = computation.on_device(at::full({own, 2}, 1.0 + ranks.rank()));
    const at::Tensor gathered = computation.on_device(at::zeros({7, 2}));
    ranks.all_gather(slice, gathered, rows).wait();
    const at::Tensor part = computation.on_device(at::zeros({own, 2}));
    ranks.reduce_scatter(gathered, part, rows).wait();
    EXPECT_TRUE(at::equal(computation.fetch(part), at::full({own, 2}, 3.0 * (1.0 + ranks.rank()))));
  });
  for (const char* function : {"ncclAllGather", "ncclReduceScatter"}) {
    EXPECT_EQ(records_of(function).size(), 3U);
    for (const Record& record : records_of(function)) EXPECT_EQ(record.count, 10U) << function;
  }
}

TEST_F(NcclCollectives, EvenSlicesTakeNoDetour) {
  run(2, [](Communicator& ranks, Computation& computation) {
    const at::Tensor slice = computation.on_device(at::ones({3, 2}));
    const at::Tensor gathered = computation.on_device(at::zeros({6, 2}));
    ranks.all_gather(slice, gathered, {3, 3}).wait();
    computation.drain();
  });
  for (const Record& record : records_of("ncclAllGather")) EXPECT_EQ(record.count, 6U);
  EXPECT_EQ(nccl_double::copies(), 0);
}

TEST_F(NcclCollectives, WhatHasNoElementsIsLeftOutByAllRanksAlike) {
  run(2, [](Communicator& ranks, Computation& computation) {
    const at::Tensor none = computation.on_device(at::zeros({0, 3}));
    ranks.all_reduce(none).wait();
    ranks.all_gather(none, computation.on_device(at::zeros({0, 3})), {0, 0}).wait();
    ranks.reduce_scatter(none, computation.on_device(at::zeros({0, 3})), {0, 0}).wait();
    ranks.all_to_all(computation.on_device(at::zeros({2, 0})), computation.on_device(at::zeros({2, 0}))).wait();
    ranks.broadcast(none, 1).wait();
  });
  for (const Record& record : nccl_double::records()) EXPECT_EQ(record.stream, nullptr) << record.function;
  EXPECT_TRUE(records_of("ncclGroupStart").empty());
}

TEST_F(NcclCollectives, AllToAllIsOneGroup) {
  run(3, [](Communicator& ranks, Computation& computation) {
    const at::Tensor received = computation.on_device(at::zeros({3, 4}));
    ranks.all_to_all(computation.on_device(at::ones({3, 4})), received).wait();
    EXPECT_TRUE(at::equal(computation.fetch(received), at::ones({3, 4})));
  });
  EXPECT_EQ(records_of("ncclGroupStart").size(), 3U);
  EXPECT_EQ(records_of("ncclGroupEnd").size(), 3U);
  EXPECT_EQ(records_of("ncclSend").size(), 9U);
  EXPECT_EQ(records_of("ncclRecv").size(), 9U);
}

TEST_F(NcclCollectives, BarrierWaitsForTheLastRank) {
  std::atomic<int> come = 0;
  run(3, [&](Communicator& ranks, Computation&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30 * ranks.rank()));
    ++come;
    ranks.barrier();
    EXPECT_EQ(come, 3);
  });
}

TEST_F(NcclCollectives, CountsItsTraffic) {
  run(2, [](Communicator& ranks, Computation& computation) {
    ranks.all_reduce(computation.on_device(at::zeros({100}))).wait();
    EXPECT_EQ(ranks.traffic().of(Collective::all_reduce).calls, 1);
    EXPECT_EQ(ranks.traffic().of(Collective::all_reduce).bytes, 400);
  });
}

TEST_F(NcclCollectives, SumsAreEqualBitForBitOnAllRanks) {
  std::vector<at::Tensor> sums(3);
  run(3, [&](Communicator& ranks, Computation& computation) {
    at::manual_seed(ranks.rank());
    const at::Tensor values = computation.on_device(at::randn({1000}));
    ranks.all_reduce(values).wait();
    sums[ranks.rank()] = computation.fetch(values);
  });
  EXPECT_TRUE(at::equal(sums[0], sums[1]));
  EXPECT_TRUE(at::equal(sums[0], sums[2]));
}

}  // namespace
}  // namespace causalfm::comm
