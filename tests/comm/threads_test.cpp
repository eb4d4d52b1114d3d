#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

#include "comm/collective_properties.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Clock = std::chrono::steady_clock;

const Options patient{60s};

class ThreadsOfWorld : public testing::TestWithParam<int64_t> {};

TEST_P(ThreadsOfWorld, AgreesWithPlainEvaluation) {
  run_ranks_as_threads(GetParam(), patient, [](Communicator& ranks) { check_random_collectives(ranks, 7, 150); });
}

TEST_P(ThreadsOfWorld, MeetsThousandsOfTimes) {
  run_ranks_as_threads(GetParam(), patient, [](Communicator& ranks) {
    at::Tensor sum = at::zeros({1}, at::kLong);
    for (int64_t call = 0; call < 3000; ++call) {
      sum.fill_(call);
      ranks.all_reduce(sum).wait();
      ASSERT_EQ(sum.item<int64_t>(), call * ranks.world_size());
    }
  });
}

INSTANTIATE_TEST_SUITE_P(, ThreadsOfWorld, testing::Range<int64_t>(1, 9));

TEST(Threads, SumInRankOrder) {
  run_ranks_as_threads(3, patient, [](Communicator& ranks) {
    const double values[] = {1e16, -1e16, 1.0};
    at::Tensor sum = at::full({1}, values[ranks.rank()], at::kDouble);
    ranks.all_reduce(sum).wait();
    EXPECT_EQ(sum.item<double>(), 1.0);
    const double others[] = {1.0, 1e16, -1e16};
    sum.fill_(others[ranks.rank()]);
    ranks.all_reduce(sum).wait();
    EXPECT_EQ(sum.item<double>(), 0.0);
  });
}

TEST(Threads, CollectivesOutliveTheirTensorsAndNeedNoWait) {
  run_ranks_as_threads(2, patient, [](Communicator& ranks) {
    ranks.all_reduce(at::ones({1000}));
    Pending pending = ranks.all_reduce(at::ones({1000}));
    pending.wait();
  });
}

TEST(Threads, ParametersOfAGraphAreWrittenPastAutograd) {
  run_ranks_as_threads(2, patient, [](Communicator& ranks) {
    at::Tensor parameter = at::full({3}, static_cast<double>(ranks.rank())).requires_grad_(true);
    ranks.broadcast(parameter, 1).wait();
    EXPECT_TRUE(at::equal(parameter.detach(), at::ones({3})));
    EXPECT_TRUE(parameter.is_leaf());
  });
}

TEST(Threads, EachRankComputesOnOneThreadAndTheCallerOnAsManyAsBefore) {
  at::set_num_threads(3);
  run_ranks_as_threads(2, patient, [](Communicator&) { EXPECT_EQ(at::get_num_threads(), 1); });
  EXPECT_EQ(at::get_num_threads(), 3);
  int threads_of_newcomer = 0;
  std::thread([&] { threads_of_newcomer = at::get_num_threads(); }).join();
  EXPECT_EQ(threads_of_newcomer, 3);
}

TEST(Threads, DeadlineNamesCollectiveRankAndWhoIsMissing) {
  std::atomic<bool> deadline_passed = false;
  const auto body = [&](Communicator& ranks) {
    if (ranks.rank() == 1) {
      while (!deadline_passed) std::this_thread::sleep_for(1ms);
      return;
    }
    try {
      ranks.all_reduce(at::zeros({5})).wait();
    } catch (...) {
      deadline_passed = true;
      throw;
    }
  };
  EXPECT_THAT(
      [&] { run_ranks_as_threads(2, {100ms}, body); },
      ThrowsMessage<CommunicationError>(AllOf(HasSubstr("all_reduce (sum) of 5 float32"), HasSubstr("rank 0 of 2"),
                                              HasSubstr("within 0.1 s"), HasSubstr("rank 1 has not come"))));
}

TEST(Threads, ExceptionEndsTheCollectivesOfOthersAtOnceAndIsRethrown) {
  const Clock::time_point start = Clock::now();
  std::vector<std::string> noticed(4);
  const auto body = [&](Communicator& ranks) {
    ranks.barrier();
    if (ranks.rank() == 2) throw std::out_of_range("shard 3 is broken\nhere");
    try {
      ranks.barrier();
    } catch (const CommunicationError& error) {
      noticed[ranks.rank()] = error.what();
      throw;
    }
  };
  EXPECT_THAT([&] { run_ranks_as_threads(4, patient, body); },
              ThrowsMessage<std::out_of_range>(HasSubstr("shard 3 is broken")));
  EXPECT_LT(Clock::now() - start, 10s);
  for (const int rank : {0, 1, 3}) {
    EXPECT_EQ(noticed[rank], "barrier (collective 1) on rank " + std::to_string(rank) +
                                 " of 4 ended because rank 2 failed: shard 3 is broken");
  }
}

TEST(Threads, OfSeveralExceptionsTheLowestRanksIsRethrown) {
  const auto body = [](Communicator& ranks) {
    if (ranks.rank() == 0) ranks.barrier();
    throw std::runtime_error("rank " + std::to_string(ranks.rank()));
  };
  for (int repeat = 0; repeat < 50; ++repeat) {
    EXPECT_THAT([&] { run_ranks_as_threads(4, patient, body); },
                ThrowsMessage<std::runtime_error>(testing::StrEq("rank 1")));
  }
}

TEST(Threads, ARankThatReturnsEarlyIsMissedAtOnce) {
  const Clock::time_point start = Clock::now();
  const auto body = [](Communicator& ranks) {
    ranks.barrier();
    if (ranks.rank() != 1) ranks.barrier();
  };
  EXPECT_THAT([&] { run_ranks_as_threads(3, patient, body); },
              ThrowsMessage<CommunicationError>(HasSubstr("rank 1 made fewer calls and has returned")));
  EXPECT_LT(Clock::now() - start, 10s);
}

TEST(Threads, CallsThatDoNotMatchAreNamed) {
  const auto sizes = [](Communicator& ranks) { ranks.all_reduce(at::zeros({ranks.rank() == 0 ? 3 : 4})).wait(); };
  EXPECT_THAT([&] { run_ranks_as_threads(2, patient, sizes); },
              ThrowsMessage<CommunicationError>(AllOf(HasSubstr("of 3 float32"), HasSubstr("of 4 float32"))));
  const auto order = [](Communicator& ranks) {
    if (ranks.rank() == 0) ranks.barrier();
    ranks.broadcast(at::zeros({2}), 0).wait();
  };
  EXPECT_THAT([&] { run_ranks_as_threads(2, patient, order); },
              ThrowsMessage<CommunicationError>(AllOf(HasSubstr("barrier"), HasSubstr("broadcast from rank 0"))));
}

}  // namespace
}  // namespace causalfm::comm
