#pragma once

#include "causalfm/comm/call.hpp"
#include "causalfm/comm/monitor.hpp"
#include "causalfm/comm/pending.hpp"

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace causalfm::comm {

struct Options {
  std::chrono::duration<double> deadline{300.0};  ///< of one collective, from its start to its end
  std::shared_ptr<Monitor> monitor = {};          ///< null: who is missing is not known
  bool check_calls =
      false;  ///< compare all ranks' calls before each exchange, so that other calls are named, not hung in
};

/// How the ranks of one job exchange tensors. The collectives are for all ranks: they call the same functions in the
/// same order with tensors of equal dtype and, but for the slices below, equal size.
/// Tensors are contiguous, of float32, float64, int64, int32 or uint8/bool (the sum of bools is true where any is), or
/// of bfloat16 where nothing is reduced; values are written past autograd. Zero elements or rows are fine. One thread a
/// rank calls. Results are equal bit for bit on every rank, and repeat when the same ranks repeat the same calls.
/// `purpose` says in a word or two what a call is for ("gradients"); it is equal on all ranks and outlives the call
/// only. Every collective throws std::invalid_argument for tensors or rows that do not fit: a defect of the caller; and
/// CommunicationError when the job cannot go on.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int64_t rank() const = 0;
  virtual int64_t world_size() const = 0;
  virtual std::string_view backend() const = 0;  ///< single | threads | mpi | nccl

  /// Reduces `tensor` element by element over all ranks, in place.
  Pending all_reduce(at::Tensor tensor, Reduction reduction = Reduction::sum, std::string_view purpose = {});

  /// Concatenates every rank's `slice` along dimension 0 in rank order into `gathered`; the slices may differ in
  /// length, `gathered` has the sum: rows_of_rank[r] rows come from rank r.
  Pending all_gather(at::Tensor slice, at::Tensor gathered, at::IntArrayRef rows_of_rank,
                     std::string_view purpose = {});

  /// Sums `tensor` over all ranks and leaves to rank r its rows_of_rank[r] rows along dimension 0 in `slice`.
  Pending reduce_scatter(at::Tensor tensor, at::Tensor slice, at::IntArrayRef rows_of_rank,
                         std::string_view purpose = {});

  /// Sends row r of `sent` [ranks, ...] to rank r, and receives row r of `received` [ranks, ...] from rank r.
  Pending all_to_all(at::Tensor sent, at::Tensor received, std::string_view purpose = {});

  /// Copies `tensor` of rank `root` into that of every other rank.
  Pending broadcast(at::Tensor tensor, int64_t root, std::string_view purpose = {});

  /// Returns when every rank has called it.
  void barrier();

  /// Throws what has ended the communicator's work, if anything has: what a device has computed since then is
  /// worthless. For before numbers are judged. Local.
  virtual void require_intact() const {}

  /// From here on this rank is in that phase of that step. Local.
  void announce(Phase phase, int64_t step);

  /// From here on every call is first compared with those of the other ranks, over a communicator of CPU tensors that
  /// carries nothing else. The same on all ranks.
  void check_calls_over(std::unique_ptr<Communicator> channel) { check_channel_ = std::move(channel); }

  /// What this rank has asked for since the communicator was made. Local.
  Traffic traffic() const;

 protected:
  explicit Communicator(std::shared_ptr<Monitor> monitor = {}) : monitor_(std::move(monitor)) {}

 private:
  virtual std::unique_ptr<Pending::Operation> start_all_reduce(const Call& call, at::Tensor tensor,
                                                               Reduction reduction) = 0;
  virtual std::unique_ptr<Pending::Operation> start_all_gather(const Call& call, at::Tensor slice, at::Tensor gathered,
                                                               at::IntArrayRef rows_of_rank) = 0;
  virtual std::unique_ptr<Pending::Operation> start_reduce_scatter(const Call& call, at::Tensor tensor,
                                                                   at::Tensor slice, at::IntArrayRef rows_of_rank) = 0;
  virtual std::unique_ptr<Pending::Operation> start_all_to_all(const Call& call, at::Tensor sent,
                                                               at::Tensor received) = 0;
  virtual std::unique_ptr<Pending::Operation> start_broadcast(const Call& call, at::Tensor tensor, int64_t root) = 0;
  virtual std::unique_ptr<Pending::Operation> start_barrier(const Call& call) = 0;

  /// Seconds by which collectives held up the computation on a device, where wait() does not hold up the host.
  virtual double device_exposed_seconds() const { return 0.0; }

  Call next(Call call);

  std::shared_ptr<Monitor> monitor_;
  std::unique_ptr<Communicator> check_channel_;
  Traffic traffic_;
  std::shared_ptr<double> exposed_seconds_ = std::make_shared<double>(0.0);
  int64_t calls_ = 0;
};

}  // namespace causalfm::comm
