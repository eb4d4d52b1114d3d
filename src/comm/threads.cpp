#include "causalfm/comm/backends.hpp"

#include "rendezvous.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>

#include <exception>
#include <stdexcept>
#include <thread>

namespace causalfm::comm {
namespace {

using Clock = std::chrono::steady_clock;
using Operation = std::unique_ptr<Pending::Operation>;

/// The reduction of all inputs in rank order, which makes sums repeat bit for bit.
at::Tensor reduced(const std::vector<Contribution>& contributions, Reduction reduction) {
  at::Tensor result = contributions.front().input.clone();
  for (size_t rank = 1; rank < contributions.size(); ++rank) {
    const at::Tensor& next = contributions[rank].input;
    if (reduction == Reduction::sum) result.add_(next);
    if (reduction == Reduction::maximum) at::maximum_out(result, result, next);
    if (reduction == Reduction::minimum) at::minimum_out(result, result, next);
  }
  return result;
}

class ThreadPending final : public Pending::Operation {
 public:
  ThreadPending(Rendezvous& rendezvous, std::shared_ptr<Rendezvous::Meeting> meeting, int64_t rank,
                Clock::time_point start, std::chrono::duration<double> deadline)
      : rendezvous_(rendezvous), meeting_(std::move(meeting)), rank_(rank), start_(start), deadline_(deadline) {}

  void wait() override { rendezvous_.wait(rank_, *meeting_, start_, deadline_); }

 private:
  Rendezvous& rendezvous_;
  std::shared_ptr<Rendezvous::Meeting> meeting_;
  int64_t rank_;
  Clock::time_point start_;
  std::chrono::duration<double> deadline_;
};

class ThreadRank final : public Communicator {
 public:
  ThreadRank(Rendezvous& rendezvous, int64_t rank, int64_t world_size, const Options& options)
      : Communicator(options.monitor),
        rendezvous_(rendezvous),
        rank_(rank),
        world_size_(world_size),
        options_(options) {}

  int64_t rank() const override { return rank_; }
  int64_t world_size() const override { return world_size_; }
  std::string_view backend() const override { return "threads"; }

 private:
  Operation start_all_reduce(const Call& call, at::Tensor tensor, Reduction reduction) override {
    return begin(call, tensor, tensor, [reduction](std::vector<Contribution>& contributions) {
      const at::Tensor result = reduced(contributions, reduction);
      for (Contribution& contribution : contributions) contribution.output.copy_(result);
    });
  }

  Operation start_all_gather(const Call& call, at::Tensor slice, at::Tensor gathered, at::IntArrayRef) override {
    return begin(call, slice, gathered, [](std::vector<Contribution>& contributions) {
      int64_t first = 0;
      for (const Contribution& source : contributions) {
        const int64_t rows = source.input.size(0);
        for (Contribution& target : contributions) target.output.narrow(0, first, rows).copy_(source.input);
        first += rows;
      }
    });
  }

  Operation start_reduce_scatter(const Call& call, at::Tensor tensor, at::Tensor slice, at::IntArrayRef) override {
    return begin(call, tensor, slice, [](std::vector<Contribution>& contributions) {
      const at::Tensor result = reduced(contributions, Reduction::sum);
      int64_t first = 0;
      for (Contribution& target : contributions) {
        const int64_t rows = target.output.size(0);
        target.output.copy_(result.narrow(0, first, rows));
        first += rows;
      }
    });
  }

  Operation start_all_to_all(const Call& call, at::Tensor sent, at::Tensor received) override {
    return begin(call, sent, received, [](std::vector<Contribution>& contributions) {
      const auto ranks = static_cast<int64_t>(contributions.size());
      for (int64_t target = 0; target < ranks; ++target) {
        for (int64_t source = 0; source < ranks; ++source) {
          contributions[target].output[source].copy_(contributions[source].input[target]);
        }
      }
    });
  }

  Operation start_broadcast(const Call& call, at::Tensor tensor, int64_t root) override {
    return begin(call, tensor, tensor, [root](std::vector<Contribution>& contributions) {
      for (size_t rank = 0; rank < contributions.size(); ++rank) {
        if (static_cast<int64_t>(rank) != root) contributions[rank].output.copy_(contributions[root].input);
      }
    });
  }

  Operation start_barrier(const Call& call) override {
    return begin(call, {}, {}, [](std::vector<Contribution>&) {});
  }

  Operation begin(const Call& call, const at::Tensor& input, const at::Tensor& output, const Exchange& exchange) {
    const Clock::time_point start = Clock::now();
    auto meeting = rendezvous_.arrive(rank_, call, {input, output}, exchange);
    return std::make_unique<ThreadPending>(rendezvous_, std::move(meeting), rank_, start, options_.deadline);
  }

  Rendezvous& rendezvous_;
  int64_t rank_;
  int64_t world_size_;
  Options options_;
};

/// How the body of one rank ended.
struct Outcome {
  std::exception_ptr exception;
  bool consequence = false;  ///< of another rank's exception
};

Outcome run_rank(Rendezvous& rendezvous, ThreadRank rank, const std::function<void(Communicator&)>& body) {
  Outcome outcome;
  std::string cause;
  try {
    at::set_num_threads(1);
    body(rank);
  } catch (const PeerFailure&) {
    outcome = {std::current_exception(), true};
  } catch (const std::exception& error) {
    outcome = {std::current_exception(), false};
    cause = error.what();
  } catch (...) {
    outcome = {std::current_exception(), false};
    cause = "an exception of unknown type";
  }
  if (outcome.exception && !outcome.consequence) rendezvous.fail(rank.rank(), cause.substr(0, cause.find('\n')));
  rendezvous.leave(rank.rank());
  return outcome;
}

/// at::set_num_threads sets the calling thread and what threads to come begin with: the second is undone here.
class ThreadCountGuard {
 public:
  ThreadCountGuard() : threads_(at::get_num_threads()) {}
  ~ThreadCountGuard() { at::set_num_threads(threads_); }
  ThreadCountGuard(const ThreadCountGuard&) = delete;
  ThreadCountGuard& operator=(const ThreadCountGuard&) = delete;

 private:
  int threads_;
};

}  // namespace

void run_ranks_as_threads(int64_t world_size, const Options& options, const std::function<void(Communicator&)>& body) {
  if (world_size < 1) throw std::invalid_argument("run_ranks_as_threads: world_size must be at least 1");
  const ThreadCountGuard restore_thread_count;
  Rendezvous rendezvous(world_size);
  std::vector<Outcome> outcomes(world_size);
  {
    std::vector<std::jthread> threads;
    for (int64_t rank = 0; rank < world_size; ++rank) {
      threads.emplace_back([&, rank] {
        outcomes[rank] = run_rank(rendezvous, ThreadRank(rendezvous, rank, world_size, options), body);
      });
    }
  }
  for (const bool consequence : {false, true}) {
    for (const Outcome& outcome : outcomes) {
      if (outcome.exception && outcome.consequence == consequence) std::rethrow_exception(outcome.exception);
    }
  }
}

}  // namespace causalfm::comm
