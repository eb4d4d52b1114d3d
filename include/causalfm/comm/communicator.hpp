#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace causalfm::comm {

enum class Reduction { sum, maximum, minimum };

/// A collective under way. The tensors that it reads and writes stay alive inside it; until wait() returns, nobody
/// else writes to what it reads or touches what it writes.
class Pending {
 public:
  class Operation {
   public:
    virtual ~Operation() = default;
    virtual void wait() = 0;
  };

  Pending() = default;  ///< complete
  explicit Pending(std::unique_ptr<Operation> operation) : operation_(std::move(operation)) {}

  /// Returns once the results may be used; a second call returns at once. Collectives may be waited for in any order.
  /// @throws CommunicationError naming the collective and this rank when the deadline passes.
  void wait() {
    if (operation_) std::exchange(operation_, nullptr)->wait();
  }

 private:
  std::unique_ptr<Operation> operation_;
};

struct Options {
  std::chrono::duration<double> deadline{300.0};  ///< of one collective, from its start to its end
};

/// How the ranks of one job exchange tensors. Every member function but the accessors is collective: all ranks call
/// the same functions in the same order with tensors of equal dtype and, but for the slices below, equal size.
/// Tensors are contiguous, of float32, float64, int64, int32 or uint8/bool (the sum of bools is true where any is);
/// values are written past autograd. Zero elements or rows are fine. One thread a rank calls.
/// Results are equal bit for bit on every rank, and repeat when the same ranks repeat the same calls.
/// Every collective throws std::invalid_argument for tensors or rows that do not fit: a defect of the caller.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int64_t rank() const = 0;
  virtual int64_t world_size() const = 0;
  virtual std::string_view backend() const = 0;  ///< single | threads | mpi

  /// Reduces `tensor` element by element over all ranks, in place.
  virtual Pending all_reduce(at::Tensor tensor, Reduction reduction = Reduction::sum) = 0;

  /// Concatenates every rank's `slice` along dimension 0 in rank order into `gathered`; the slices may differ in
  /// length, `gathered` has the sum: rows_of_rank[r] rows come from rank r.
  virtual Pending all_gather(at::Tensor slice, at::Tensor gathered, at::IntArrayRef rows_of_rank) = 0;

  /// Sums `tensor` over all ranks and leaves to rank r its rows_of_rank[r] rows along dimension 0 in `slice`.
  virtual Pending reduce_scatter(at::Tensor tensor, at::Tensor slice, at::IntArrayRef rows_of_rank) = 0;

  /// Copies `tensor` of rank `root` into that of every other rank.
  virtual Pending broadcast(at::Tensor tensor, int64_t root) = 0;

  /// Returns when every rank has called it.
  virtual void barrier() = 0;
};

}  // namespace causalfm::comm
