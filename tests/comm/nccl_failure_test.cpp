#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

#include "comm/nccl.hpp"
#include "comm/nccl_double/journal.hpp"
#include "comm/nccl_ranks.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;
using testing::Property;
using testing::ThrowsMessage;
using Clock = std::chrono::steady_clock;

/// A monitor that knows what a test tells it.
class ToldMonitor final : public Monitor {
 public:
  void announce(Phase, int64_t) override {}
  void started(const Call&) override {}
  std::optional<Failure> failure() const override {
    const std::lock_guard lock(mutex_);
    return failure_;
  }
  std::string missing(const Call& call) const override {
    return "rank 1 on node7 has not come to collective " + std::to_string(call.number);
  }
  void fail(const Failure& failure) {
    const std::lock_guard lock(mutex_);
    failure_ = failure;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Failure> failure_;
};

class NcclFailure : public NcclTest {
 protected:
  /// A collective on each of 2 ranks, waited for until the computation is through, and the next, which must throw.
  /// Returns what rank 0's throws.
  static std::optional<std::string> fail_second_call(const Options& options,
                                                     const std::function<Faults(int64_t)>& faults) {
    std::optional<std::string> sentence;
    run(2, options, faults, [&](Communicator& ranks, Computation& computation) {
      const at::Tensor values = computation.on_device(at::ones({12}));
      ranks.all_reduce(values).wait();
      const auto failure = failure_of([&] {
        // The first of these to notice throws.
        ranks.all_reduce(values, Reduction::sum, "gradients").wait();
        computation.drain();
        ranks.all_reduce(values).wait();
      });
      EXPECT_TRUE(failure) << "rank " << ranks.rank();
      expect_all_calls_throw(ranks, computation, failure.value_or(""));
      if (ranks.rank() == 0) sentence = failure;
    });
    for (const int64_t rank : {0, 1}) expect_aborted(rank);
    return sentence;
  }

  static void expect_all_calls_throw(Communicator& ranks, Computation& computation, const std::string& sentence) {
    const at::Tensor tensor = computation.on_device(at::ones({2, 2}));
    const at::Tensor other = computation.on_device(at::ones({4, 2}));
    const size_t calls = nccl_double::functions_of(ranks.rank()).size();
    EXPECT_THAT(failure_of([&] { ranks.require_intact(); }), Optional(sentence));
    EXPECT_THAT(failure_of([&] { ranks.all_reduce(tensor); }), Optional(sentence));
    EXPECT_THAT(failure_of([&] { ranks.all_gather(tensor, other, {2, 2}); }), Optional(sentence));
    EXPECT_THAT(failure_of([&] { ranks.reduce_scatter(other, tensor, {2, 2}); }), Optional(sentence));
    EXPECT_THAT(failure_of([&] { ranks.all_to_all(tensor, tensor); }), Optional(sentence));
    EXPECT_THAT(failure_of([&] { ranks.broadcast(tensor, 0); }), Optional(sentence));
    EXPECT_THAT(failure_of([&] { ranks.barrier(); }), Optional(sentence));
    EXPECT_EQ(nccl_double::functions_of(ranks.rank()).size(), calls) << "NCCL was called after an error";
    EXPECT_THAT(failure_of([&] { ranks.all_reduce(at::ones({4})); }), Optional(sentence));
    EXPECT_EQ(nccl_double::copies(), 0) << "the device was given work after an error";
  }

  static void expect_aborted(int64_t rank) {
    const std::vector<std::string> functions = nccl_double::functions_of(rank);
    EXPECT_THAT(functions, Contains("ncclCommAbort").Times(1)) << rank;
    EXPECT_THAT(functions, Not(Contains("ncclCommFinalize"))) << rank;
    EXPECT_THAT(functions, Not(Contains("ncclCommDestroy"))) << rank;
    EXPECT_EQ(functions.back(), "ncclCommAbort") << rank;
  }
};

Faults none(int64_t) { return {}; }

/// On rank 1 only.
std::function<Faults(int64_t)> with(int Faults::*fault, int value) {
  return [=](int64_t rank) {
    Faults faults;
    if (rank == 1) faults.*fault = value;
    return faults;
  };
}

TEST_F(NcclFailure, ACollectiveThatHangsEndsAtTheDeadline) {
  const auto start = Clock::now();
  const auto sentence = fail_second_call({600ms}, with(&Faults::hangs_at, 1));
  EXPECT_THAT(sentence, Optional(AllOf(HasSubstr("all_reduce (sum) of 12 float32 for gradients (collective 1)"),
                                       HasSubstr("rank 0 of 2 did not end within 0.6 s"),
                                       HasSubstr("a rank is gone, hangs or made other calls"),
                                       HasSubstr("comm.deadline_seconds"))));
  EXPECT_LT(Clock::now() - start, 5s);
}

TEST_F(NcclFailure, TheDeadlineNamesWhoIsMissing) {
  Options options{600ms};
  options.monitor = std::make_shared<ToldMonitor>();
  EXPECT_THAT(fail_second_call(options, with(&Faults::hangs_at, 1)),
              Optional(HasSubstr("did not end within 0.6 s: rank 1 on node7 has not come to collective 1;")));
}

TEST_F(NcclFailure, AnErrorThatNcclReportsLaterEndsTheRankThatHasIt) {
  const auto start = Clock::now();
  std::optional<std::string> sentence;
  run(2, {2s}, with(&Faults::fails_at, 0), [&](Communicator& ranks, Computation& computation) {
    const at::Tensor values = computation.on_device(at::ones({12}));
    const auto failure = failure_of([&] {
      ranks.all_reduce(values).wait();
      computation.drain();
      EXPECT_LT(Clock::now() - start, ranks.rank() == 1 ? 1500ms : 10s) << "an error is no deadline";
      ranks.all_reduce(values).wait();
    });
    if (ranks.rank() == 1) sentence = failure;
  });
  EXPECT_THAT(sentence,
              Optional(AllOf(HasSubstr("all_reduce (sum) of 12 float32 (collective 0) on rank 1 of 2 failed in NCCL"),
                             HasSubstr("remote process exited"), HasSubstr("the double's last words"),
                             HasSubstr("NCCL_DEBUG=INFO"))));
  expect_aborted(0);
  expect_aborted(1);
}

TEST_F(NcclFailure, ACallThatNcclRefusesThrowsAtOnce) {
  for (const bool grouped : {false, true}) {
    run(
        1, patient(), [](int64_t) { return Faults{.refused_at = 0}; },
        [&](Communicator& ranks, Computation& computation) {
          const at::Tensor values = computation.on_device(at::ones({1, 3}));
          EXPECT_THAT(failure_of([&] {
                        if (grouped) ranks.all_to_all(values, values.clone());
                        if (!grouped) ranks.all_reduce(values);
                      }),
                      Optional(AllOf(HasSubstr("(collective 0) on rank 0 of 1 failed in NCCL"))));
        });
    expect_aborted(0);
    nccl_double::clear_journal();
  }
}

TEST_F(NcclFailure, AFailureElsewhereEndsACollectiveAtOnceWithItsCause) {
  Options options = patient();
  const auto monitor = std::make_shared<ToldMonitor>();
  options.monitor = monitor;
  const auto start = Clock::now();
  std::atomic<int> under_way = 0;
  run(2, options, with(&Faults::hangs_at, 0), [&](Communicator& ranks, Computation& computation) {
    const at::Tensor values = computation.on_device(at::ones({12}));
    ranks.all_reduce(values).wait();
    if (++under_way == 2) {
      std::this_thread::sleep_for(200ms);  // in which the watches come to see the collective
      monitor->fail({5, 3, "shard 3 is broken"});
    }
    computation.drain();
    try {
      ranks.all_reduce(values).wait();
      ADD_FAILURE() << "rank " << ranks.rank() << " went on";
    } catch (const PeerFailure& failure) {
      EXPECT_EQ(failure.cause().rank, 5);
      EXPECT_EQ(failure.cause().exit_code, 3);
      EXPECT_THAT(failure.what(), HasSubstr("all_reduce (sum) of 12 float32 (collective 0) on rank"));
      EXPECT_THAT(failure.what(), HasSubstr("ended because rank 5 failed: shard 3 is broken"));
    }
  });
  EXPECT_LT(Clock::now() - start, 5s);
  expect_aborted(0);
  expect_aborted(1);
}

TEST_F(NcclFailure, AFailureElsewhereIsNoticedBetweenCollectivesToo) {
  Options options = patient();
  const auto monitor = std::make_shared<ToldMonitor>();
  options.monitor = monitor;
  run(1, options, none, [&](Communicator& ranks, Computation& computation) {
    monitor->fail({5, 3, "shard 3 is broken"});
    nccl_double::wait_for([] { return nccl_double::functions_of(0).back() == "ncclCommAbort"; }, "the abort");
    EXPECT_THAT(failure_of([&] { ranks.all_reduce(computation.on_device(at::ones({2}))); }),
                Optional(HasSubstr("NCCL on rank 0 of 1 ended because rank 5 failed: shard 3 is broken")));
  });
}

TEST_F(NcclFailure, ARankThatDoesNotComeIsNoticedByAWaitInHostMemory) {
  std::atomic<bool> noticed = false;
  run(2, {300ms}, none, [&](Communicator& ranks, Computation&) {
    if (ranks.rank() == 1) {
      nccl_double::wait_for([&] { return noticed.load(); }, "rank 0");
      return;
    }
    EXPECT_THAT(failure_of([&] { ranks.all_reduce(at::ones({4})).wait(); }),
                Optional(HasSubstr("did not end within 0.3 s")));
    noticed = true;
  });
}

TEST_F(NcclFailure, AResultInHostMemoryThatAnAbortLeftIsNotHandedOut) {
  run(2, {300ms}, with(&Faults::hangs_at, 0), [](Communicator& ranks, Computation&) {
    Pending pending = ranks.all_reduce(at::ones({4}));
    std::this_thread::sleep_for(1s);  // the abort has let the event pass
    EXPECT_TRUE(failure_of([&] { pending.wait(); }));
  });
}

TEST_F(NcclFailure, ADeviceWaitAfterAFailureThrows) {
  run(2, {300ms}, with(&Faults::hangs_at, 0), [](Communicator& ranks, Computation& computation) {
    Pending pending = ranks.all_reduce(computation.on_device(at::ones({4})));
    std::this_thread::sleep_for(1s);
    EXPECT_THAT(failure_of([&] { pending.wait(); }), Optional(HasSubstr("did not end within 0.3 s")));
  });
}

TEST_F(NcclFailure, TheOldestCollectiveIsTheOneThatIsNamed) {
  run(2, {400ms}, with(&Faults::hangs_at, 1), [](Communicator& ranks, Computation& computation) {
    const at::Tensor values = computation.on_device(at::ones({4}));
    ranks.all_reduce(values);
    ranks.all_reduce(values, Reduction::sum, "culprit");
    Pending last = ranks.all_reduce(values);
    std::this_thread::sleep_for(1s);
    EXPECT_THAT(failure_of([&] { last.wait(); }), Optional(HasSubstr("for culprit (collective 1)")));
  });
}

TEST_F(NcclFailure, AStartThatNcclReportsAsFailedThrows) {
  EXPECT_THAT([] { run(1, patient(), [](int64_t) { return Faults{.start_fails = true}; }, {}); },
              ThrowsMessage<CommunicationError>(HasSubstr("the start of NCCL on rank 0 of 1 failed in NCCL")));
  expect_aborted(0);
}

TEST_F(NcclFailure, AStartThatHangsEndsAtTheDeadline) {
  const auto start = Clock::now();
  EXPECT_THAT(
      [] {
        run(
            2, {300ms}, [](int64_t rank) { return Faults{.start_hangs = rank == 0}; },
            [](Communicator& ranks, Computation&) { ranks.barrier(); });
      },
      ThrowsMessage<CommunicationError>(HasSubstr("the start of NCCL on rank 0 of 2 did not end within 0.3 s")));
  EXPECT_LT(Clock::now() - start, 5s);
  expect_aborted(0);
}

TEST_F(NcclFailure, AllRanksHearThatThereIsNoId) {
  std::atomic<int> heard = 0;
  run_ranks_as_threads(3, patient(), [&](Communicator& control) {
    nccl_double::set_faults({.has_no_id = true});
    EXPECT_THAT(
        failure_of([&] { make_nccl(nccl_double::nccl_api(), nccl_double::device_api(), control, 0, patient()); }),
        Optional(AllOf(HasSubstr("rank 0, which could not make a unique id"), HasSubstr("the double's error"))));
    ++heard;
  });
  EXPECT_EQ(heard, 3);
  EXPECT_TRUE(nccl_double::records().empty());
}

TEST_F(NcclFailure, AStartThatFailsAfterNcclsAborts) {
  EXPECT_THAT(
      [] {
        run_ranks_as_threads(1, patient(), [](Communicator& control) {
          nccl_double::set_faults({});
          nccl_double::refuse_streams(true);
          make_nccl(nccl_double::nccl_api(), nccl_double::device_api(), control, 0, patient());
        });
      },
      ThrowsMessage<CommunicationError>(HasSubstr("cudaStreamCreate")));
  nccl_double::refuse_streams(false);
  expect_aborted(0);
}

TEST_F(NcclFailure, ADeviceThatDoesNotTellOfEventsEndsTheConnection) {
  run(1, [](Communicator& ranks, Computation& computation) {
    const at::Tensor values = computation.on_device(at::ones({4}));
    nccl_double::refuse_queries(true);
    failure_of([&] { ranks.all_reduce(values).wait(); });
    nccl_double::wait_for([] { return nccl_double::functions_of(0).back() == "ncclCommAbort"; }, "the abort");
    nccl_double::refuse_queries(false);
    EXPECT_THAT(failure_of([&] { ranks.all_reduce(values); }), Optional(HasSubstr("cudaEventQuery")));
  });
  expect_aborted(0);
}

TEST_F(NcclFailure, AnEndThatHangsEndsAtTheDeadlineWithAnAbort) {
  const auto start = Clock::now();
  run(
      1, {300ms}, [](int64_t) { return Faults{.end_hangs = true}; },
      [](Communicator& ranks, Computation&) { ranks.barrier(); });
  EXPECT_LT(Clock::now() - start, 5s);
  const auto functions = nccl_double::functions_of(0);
  EXPECT_THAT(functions, Contains("ncclCommFinalize"));
  EXPECT_THAT(functions, Not(Contains("ncclCommDestroy")));
  EXPECT_EQ(functions.back(), "ncclCommAbort");
}

TEST_F(NcclFailure, ARankThatEndsWhileACollectiveHangsIsNotHeldUpForLonger) {
  const auto start = Clock::now();
  run(2, {300ms}, with(&Faults::hangs_at, 0),
      [](Communicator& ranks, Computation& computation) { ranks.all_reduce(computation.on_device(at::ones({4}))); });
  EXPECT_LT(Clock::now() - start, 5s);
  expect_aborted(0);
  expect_aborted(1);
}

TEST_F(NcclFailure, AnExceptionOnARankAbortsInsteadOfWaitingForTheOthers) {
  const auto start = Clock::now();
  EXPECT_THROW(run(
                   1, patient(), [](int64_t) { return Faults{.hangs_at = 0}; },
                   [](Communicator& ranks, Computation& computation) {
                     ranks.all_reduce(computation.on_device(at::ones({4})));
                     throw std::out_of_range("a shard is broken");
                   }),
               std::out_of_range);
  EXPECT_LT(Clock::now() - start, 5s);
  expect_aborted(0);
}

}  // namespace
}  // namespace causalfm::comm
