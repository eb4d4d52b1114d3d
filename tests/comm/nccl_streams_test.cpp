#include "comm/nccl_double/journal.hpp"
#include "comm/nccl_ranks.hpp"

#include <ATen/ATen.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using NcclStreams = NcclTest;

/// Holds up a stream until it is opened.
class Gate {
 public:
  explicit Gate(Computation& computation) {
    computation.enqueue([open = open_] { nccl_double::wait_for([&] { return open->load(); }, "a gate"); });
  }
  ~Gate() { open(); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void open() { *open_ = true; }

 private:
  std::shared_ptr<std::atomic<bool>> open_ = std::make_shared<std::atomic<bool>>(false);
};

/// One collective with input and output on the device, or both in one tensor.
struct Collective {
  const char* name;
  std::vector<int64_t> shape;
  double expected;  ///< every element of the result, of 2 ranks that bring ones
  std::function<Pending(Communicator&, at::Tensor in, at::Tensor out)> start;
};

const std::vector<Collective> collectives{
    {"all_reduce", {6, 2}, 2.0, [](Communicator& ranks, at::Tensor, at::Tensor out) { return ranks.all_reduce(out); }},
    {"broadcast", {6, 2}, 1.0, [](Communicator& ranks, at::Tensor, at::Tensor out) { return ranks.broadcast(out, 1); }},
    {"all_gather, even",
     {6, 2},
     1.0,
     [](Communicator& ranks, at::Tensor in, at::Tensor out) {
       return ranks.all_gather(in.narrow(0, 0, 3), out, {3, 3});
     }},
    {"all_gather, uneven",
     {6, 2},
     1.0,
     [](Communicator& ranks, at::Tensor in, at::Tensor out) {
       return ranks.all_gather(in.narrow(0, 0, ranks.rank() == 0 ? 2 : 4), out, {2, 4});
     }},
    {"reduce_scatter, even",
     {3, 2},
     2.0,
     [](Communicator& ranks, at::Tensor in, at::Tensor out) {
       return ranks.reduce_scatter(in, out, {3, 3});
     }},
    {"reduce_scatter, uneven",
     {2, 2},
     2.0,
     [](Communicator& ranks, at::Tensor in, at::Tensor out) {
       // Rank 1 has 4 rows, of which the first 2 are looked at.
       if (ranks.rank() == 0) return ranks.reduce_scatter(in, out, {2, 4});
       const at::Tensor whole = nccl_double::device_api().allocate(4 * 2 * 4, 0);
       return ranks.reduce_scatter(in, whole.view(at::kFloat).view({4, 2}), {2, 4});
     }},
    {"all_to_all",
     {2, 6},
     1.0,
     [](Communicator& ranks, at::Tensor in, at::Tensor out) {
       return ranks.all_to_all(in.view({2, 6}), out);
     }},
};

bool looked_at(const Collective& collective, int64_t rank) {
  return std::string(collective.name) != "reduce_scatter, uneven" || rank == 0;
}

TEST_F(NcclStreams, InputsAreReadWhenTheComputationHasWrittenThem) {
  for (const Collective& collective : collectives) {
    run(2, [&](Communicator& ranks, Computation& computation) {
      Gate gate(computation);
      const at::Tensor in = computation.on_device(at::ones({6, 2}));
      const at::Tensor out = computation.on_device(at::ones(collective.shape));
      Pending pending = collective.start(ranks, in, out);
      std::this_thread::sleep_for(20ms);
      gate.open();
      pending.wait();
      if (!looked_at(collective, ranks.rank())) return;
      EXPECT_TRUE(at::equal(computation.fetch(out), at::full(collective.shape, collective.expected)))
          << collective.name;
    });
  }
}

Faults late(int64_t) {
  Faults faults;
  faults.lateness = 40ms;
  faults.questions_in_progress = 1;
  return faults;
}

TEST_F(NcclStreams, ResultsAreReadWhenTheCollectiveHasWrittenThem) {
  for (const Collective& collective : collectives) {
    run(2, patient(), late, [&](Communicator& ranks, Computation& computation) {
      const at::Tensor in = computation.on_device(at::ones({6, 2}));
      const at::Tensor out = computation.on_device(at::ones(collective.shape));
      collective.start(ranks, in, out).wait();
      if (!looked_at(collective, ranks.rank())) return;
      EXPECT_TRUE(at::equal(computation.fetch(out), at::full(collective.shape, collective.expected)))
          << collective.name;
    });
  }
}

TEST_F(NcclStreams, ResultsInHostMemoryAreThereAfterTheWait) {
  run(2, patient(), late, [](Communicator& ranks, Computation&) {
    const at::Tensor sum = at::ones({5});
    ranks.all_reduce(sum).wait();
    EXPECT_TRUE(at::equal(sum, at::full({5}, 2.0)));
  });
}

TEST_F(NcclStreams, InputsInHostMemoryMayBeOverwrittenAfterTheWaitOnly) {
  run(2, patient(), late, [](Communicator& ranks, Computation&) {
    const at::Tensor mine = at::full({3}, 1.0 + ranks.rank());
    const at::Tensor all = at::zeros({6});
    ranks.all_gather(mine, all, {3, 3}).wait();
    mine.fill_(-1.0);
    EXPECT_TRUE(at::equal(all, at::cat({at::full({3}, 1.0), at::full({3}, 2.0)})));
  });
}

TEST_F(NcclStreams, TheHostWaitsNeitherForTheDeviceNorForOtherRanks) {
  for (const Collective& collective : collectives) {
    run(2, patient(), late, [&](Communicator& ranks, Computation& computation) {
      const at::Tensor in = computation.on_device(at::ones({6, 2}));
      const at::Tensor out = computation.on_device(at::ones(collective.shape));
      Gate gate(computation);
      std::atomic<bool> back = false;
      // Were the host to wait for the device, the gate would open late and this flag would tell.
      std::atomic<bool> waited = false;
      std::jthread opener([&] {
        const auto end = Clock::now() + 3s;
        while (!back && Clock::now() < end) std::this_thread::sleep_for(1ms);
        waited = !back;
        gate.open();
      });
      collective.start(ranks, in, out).wait();
      back = true;
      opener.join();
      EXPECT_FALSE(waited) << collective.name;
    });
  }
}

TEST_F(NcclStreams, MemoryLivesUntilTheStreamIsDoneWithIt) {
  for (const Collective& collective : collectives) {
    run(2, patient(), late, [&](Communicator& ranks, Computation& computation) {
      Gate gate(computation);
      const auto start = [&] {
        const at::Tensor in = computation.on_device(at::ones({6, 2}));
        const at::Tensor out = computation.on_device(at::ones(collective.shape));
        return collective.start(ranks, in, out);
      };
      std::optional<Pending> dropped = start();  // without a wait
      Pending waited = start();
      dropped.reset();
      waited.wait();
      std::this_thread::sleep_for(30ms);
      gate.open();
    });
  }
}

TEST_F(NcclStreams, MemoryIsGivenBackSoonAfterTheStreamIsDoneWithIt) {
  run(2, [&](Communicator& ranks, Computation& computation) {
    const auto released = std::make_shared<std::atomic<bool>>(false);
    {
      const at::Tensor memory = computation.on_device(at::ones({4}));
      const at::Tensor tensor = at::from_blob(
          memory.data_ptr(), {4}, [memory, released](void*) { *released = true; }, at::kFloat);
      ranks.all_reduce(tensor).wait();
      computation.drain();
    }
    EXPECT_TRUE(nccl_double::wait_for([&] { return released->load(); }, "memory to be given back"));
  });
}

TEST_F(NcclStreams, CollectivesMayBeWaitedForInAnyOrderAndTwice) {
  run(2, [](Communicator& ranks, Computation& computation) {
    const at::Tensor first = computation.on_device(at::ones({3}));
    const at::Tensor second = computation.on_device(at::full({3}, 5.0));
    Pending of_first = ranks.all_reduce(first);
    Pending of_second = ranks.all_reduce(second);
    of_second.wait();
    EXPECT_TRUE(at::equal(computation.fetch(second), at::full({3}, 10.0)));
    of_first.wait();
    of_first.wait();
    EXPECT_TRUE(at::equal(computation.fetch(first), at::full({3}, 2.0)));
  });
}

TEST_F(NcclStreams, AWaitMayOutliveTheCommunicator) {
  run(2, [](Communicator& ranks, Computation& computation) {
    static thread_local std::optional<Pending> pending;
    pending = ranks.all_reduce(computation.on_device(at::ones({3})));
    computation.enqueue([] {});
  });
}

TEST_F(NcclStreams, ExposedTimeIsWhatTheComputationWaitsFor) {
  const auto slow = [](int64_t) {
    Faults faults;
    faults.lateness = 100ms;
    return faults;
  };
  run(2, patient(), slow, [](Communicator& ranks, Computation& computation) {
    const at::Tensor values = computation.on_device(at::ones({3}));
    computation.drain();
    EXPECT_LT(ranks.traffic().exposed_seconds, 0.01);
    ranks.all_reduce(values).wait();
    computation.drain();
    const double exposed = ranks.traffic().exposed_seconds;
    EXPECT_GT(exposed, 0.09);
    EXPECT_LT(exposed, 0.5);
    EXPECT_GE(ranks.traffic().exposed_seconds, exposed);

    // Hidden behind a computation that takes longer.
    Pending pending = ranks.all_reduce(values);
    computation.enqueue([] { std::this_thread::sleep_for(400ms); });
    pending.wait();
    computation.drain();
    EXPECT_LT(ranks.traffic().exposed_seconds - exposed, 0.05);
  });
}

TEST_F(NcclStreams, ExposedTimeIsAddedUpWithoutBeingAskedFor) {
  run(2, [](Communicator& ranks, Computation& computation) {
    const at::Tensor values = computation.on_device(at::ones({3}));
    for (int call = 0; call < 30; ++call) {
      ranks.all_reduce(values).wait();
      computation.drain();
    }
    // Timed events come in pairs and are kept for waits that have not been added up only.
    EXPECT_LE(nccl_double::timed_events(), 2 * 2 * 2);
  });
}

}  // namespace
}  // namespace causalfm::comm
