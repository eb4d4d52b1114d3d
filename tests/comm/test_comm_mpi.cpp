#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"
#include "causalfm/comm/topology.hpp"

#include "comm/collective_properties.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <thread>

/// The MPI backend on as many ranks as mpirun started. Every rank runs every test, in the same order.
namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

MpiEnvironment* environment = nullptr;  // of main; GoogleTest has no other way to hand it to tests

TEST(MpiBackend, KnowsItsPlace) {
  const auto ranks = make_mpi(*environment, {30s});
  EXPECT_EQ(ranks->backend(), "mpi");
  EXPECT_EQ(ranks->rank(), environment->rank());
  EXPECT_EQ(ranks->world_size(), environment->world_size());
  EXPECT_EQ(environment->local_rank(), environment->rank());
  EXPECT_EQ(environment->local_size(), environment->world_size());
}

TEST(MpiBackend, RanksShareTheCoresOfTheNode) {
  const int64_t cores = environment->cores_of_rank();
  EXPECT_GE(cores, 1);
  EXPECT_LE(cores, cores_of_process());
}

TEST(MpiBackend, AgreesWithPlainEvaluation) {
  const auto ranks = make_mpi(*environment, {30s});
  check_random_collectives(*ranks, 11, 400);
}

TEST(MpiBackend, SumsAreEqualBitForBitOnAllRanksAndRepeat) {
  const auto ranks = make_mpi(*environment, {30s});
  const std::vector<int64_t> rows(ranks->world_size(), 1);
  for (const int64_t elements : {1, 7, 1000, 16383, 65537, 1 << 20}) {
    const at::Tensor input = at::randn({elements});
    at::Tensor first = input.clone();
    at::Tensor second = input.clone();
    ranks->all_reduce(first).wait();
    ranks->all_reduce(second).wait();
    EXPECT_TRUE(at::equal(first, second)) << elements;
    at::Tensor all = at::empty({ranks->world_size(), elements});
    ranks->all_gather(first.unsqueeze(0), all, rows).wait();
    for (int64_t rank = 0; rank < ranks->world_size(); ++rank) EXPECT_TRUE(at::equal(all[rank], first)) << elements;
  }
}

TEST(MpiBackend, CommunicatorsAreIndependent) {
  const auto one = make_mpi(*environment, {30s});
  const auto other = make_mpi(*environment, {30s});
  at::Tensor first = at::ones({10});
  at::Tensor second = at::full({10}, 2.0);
  // Ranks start the calls of two communicators in different orders.
  Communicator& early = one->rank() % 2 == 0 ? *one : *other;
  Communicator& late = one->rank() % 2 == 0 ? *other : *one;
  Pending pending_early = early.all_reduce(&early == one.get() ? first : second);
  Pending pending_late = late.all_reduce(&late == one.get() ? first : second);
  pending_early.wait();
  pending_late.wait();
  EXPECT_EQ(first[0].item<double>(), one->world_size());
  EXPECT_EQ(second[0].item<double>(), 2.0 * one->world_size());
}

TEST(MpiBackend, CollectivesProgressWhileTheRankDoesOtherThings) {
  const auto ranks = make_mpi(*environment, {30s});
  if (ranks->world_size() == 1) GTEST_SKIP() << "one rank waits for nobody";
  const at::Tensor tensor = at::ones({int64_t{1} << 22});
  const auto seconds_in_wait = [&](std::chrono::duration<double> meanwhile) {
    ranks->barrier();
    const double before = ranks->traffic().exposed_seconds;
    Pending pending = ranks->all_reduce(tensor);
    std::this_thread::sleep_for(meanwhile);
    pending.wait();
    return ranks->traffic().exposed_seconds - before;
  };
  const double alone = seconds_in_wait(0s);
  const double hidden = seconds_in_wait(std::chrono::duration<double>(0.1 + 10.0 * alone));
  EXPECT_LT(hidden, 0.3 * alone);
}

TEST(MpiBackend, CallsThatDoNotMatchAreNamedInCheckingMode) {
  const auto ranks = make_mpi(*environment, {.deadline = 30s, .check_calls = true});
  check_random_collectives(*ranks, 13, 40);
  if (ranks->world_size() == 1) return;
  const int64_t odd = ranks->world_size() - 1;
  const auto expect_named = [&](const std::function<void()>& call, const std::string& common,
                                const std::string& other) {
    try {
      call();
      ADD_FAILURE() << "nobody noticed";
    } catch (const CommunicationError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(common), HasSubstr(other)));
    }
  };
  expect_named([&] { ranks->all_reduce(at::zeros({ranks->rank() == odd ? 3 : 4})).wait(); }, "of 3 float32",
               "of 4 float32");
  expect_named(
      [&] {
        if (ranks->rank() == odd) ranks->barrier();
        ranks->broadcast(at::zeros({2}), 0).wait();
      },
      "barrier", "broadcast from rank 0 of 2 float32");
}

TEST(MpiBackend, TrafficIsCounted) {
  const auto ranks = make_mpi(*environment, {30s});
  const int64_t world = ranks->world_size();
  ranks->all_reduce(at::zeros({5})).wait();
  ranks->all_reduce(at::zeros({5}, at::kDouble)).wait();
  ranks->all_gather(at::zeros({1, 3}), at::zeros({world, 3}), std::vector<int64_t>(world, 1)).wait();
  ranks->all_to_all(at::zeros({world, 2}, at::kBFloat16), at::zeros({world, 2}, at::kBFloat16)).wait();
  const Traffic traffic = ranks->traffic();
  EXPECT_EQ(traffic.of(Collective::all_reduce).calls, 2);
  EXPECT_EQ(traffic.of(Collective::all_reduce).bytes, 5 * 4 + 5 * 8);
  EXPECT_EQ(traffic.of(Collective::all_gather).bytes, world * 3 * 4);
  EXPECT_EQ(traffic.of(Collective::all_to_all).bytes, world * 2 * 2);
  EXPECT_EQ(traffic.of(Collective::broadcast).calls, 0);
  EXPECT_GT(traffic.exposed_seconds, 0.0);
}

TEST(MpiBackend, DeadlineNamesCollectiveAndRank) {
  const auto everyone = make_mpi(*environment, {30s});
  const auto ranks = make_mpi(*environment, {300ms});
  if (ranks->world_size() == 1) GTEST_SKIP() << "one rank waits for nobody";
  const int64_t late = ranks->world_size() - 1;
  if (ranks->rank() == late) std::this_thread::sleep_for(1s);
  at::Tensor tensor = at::ones({4}, at::kDouble);
  Pending pending = ranks->all_reduce(tensor);
  if (ranks->rank() == late) {
    EXPECT_NO_THROW(pending.wait());
  } else {
    try {
      pending.wait();
      ADD_FAILURE() << "the deadline passed and nobody said so";
    } catch (const CommunicationError& error) {
      const std::string text = error.what();
      const std::string place = "all_reduce (sum) of 4 float64 (collective 0) on rank " +
                                std::to_string(ranks->rank()) + " of " + std::to_string(ranks->world_size());
      EXPECT_EQ(text.find(place + " did not end within 0.3 s"), 0) << text;
      EXPECT_NE(text.find("comm.deadline_seconds"), std::string::npos) << text;
    }
  }
  everyone->barrier();  // a rank that left would not take part in what the late one waits for
}

TEST(MpiBackend, MpiStartsOnceAProcess) { EXPECT_THROW(MpiEnvironment(), CommunicationError); }

}  // namespace
}  // namespace causalfm::comm

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  at::set_num_threads(1);
  causalfm::comm::MpiEnvironment environment;
  causalfm::comm::environment = &environment;
  return RUN_ALL_TESTS();
}
