#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

#include "mpi_state.hpp"

#include <ATen/ops/empty.h>
#include <mpi.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <vector>

namespace causalfm::comm {
namespace {

using Clock = std::chrono::steady_clock;
using Operation = std::unique_ptr<Pending::Operation>;
using namespace std::chrono_literals;

/// How often who waits looks whether there is still something to wait for.
constexpr auto look_around_every = 50ms;

MPI_Datatype element_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return MPI_FLOAT;
    case at::kDouble:
      return MPI_DOUBLE;
    case at::kLong:
      return MPI_INT64_T;
    case at::kInt:
      return MPI_INT32_T;
    case at::kBFloat16:
      return MPI_UINT16_T;
    default:
      return MPI_UINT8_T;
  }
}

MPI_Op reduction_operation(Reduction reduction, at::ScalarType type) {
  if (reduction == Reduction::minimum) return MPI_MIN;
  // A bool is one byte that must stay 0 or 1.
  return reduction == Reduction::maximum || type == at::kBool ? MPI_MAX : MPI_SUM;
}

/// MPI counts elements in int.
int element_count(int64_t elements, const std::string& call) {
  if (elements > std::numeric_limits<int>::max()) {
    throw CommunicationError(call + ": MPI exchanges at most 2147483647 elements at once; use smaller batches");
  }
  return static_cast<int>(elements);
}

/// Where MPI reads and writes what belongs to `tensor`.
at::Tensor host_memory_of(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return tensor;
  return at::empty(tensor.sizes(), tensor.options().device(at::kCPU).pinned_memory(true));
}

/// All that MPI reads or writes for one collective until it ends.
struct Buffers {
  at::Tensor read;
  at::Tensor written;
  std::vector<int> counts;  ///< elements of each rank's rows
  std::vector<int> starts;  ///< where they begin

  void set_extents(const at::Tensor& whole, at::IntArrayRef rows_of_rank, const std::string& call) {
    element_count(whole.numel(), call);
    const int64_t row_elements = c10::multiply_integers(whole.sizes().slice(1));
    int start = 0;
    for (const int64_t rows : rows_of_rank) {
      counts.push_back(static_cast<int>(rows * row_elements));
      starts.push_back(start);
      start += counts.back();
    }
  }
};

/// What a rank's communicators share with their collectives.
struct Context {
  MpiEnvironment::State& state;
  Options options;
  MPI_Comm communicator = MPI_COMM_NULL;

  CommunicationError deadline_passed(const Call& call) const {
    std::ostringstream text;
    text << call.place(state.rank, state.world_size) << " did not end within " << options.deadline.count() << " s: ";
    const std::string missing = options.monitor ? options.monitor->missing(call) : "";
    text << (missing.empty()
                 ? "a rank is gone, hangs or made other calls; look for the first error in the other ranks' "
                   "output"
                 : missing)
         << ", or raise comm.deadline_seconds if a rank may take longer";
    return CommunicationError(text.str());
  }

  /// Waits for `exchange`, which `call` began at `start`.
  void wait(MpiThread::Exchange& exchange, const Call& call, Clock::time_point start) const {
    const Clock::time_point end = start + std::chrono::duration_cast<Clock::duration>(options.deadline);
    while (!state.thread.wait_until(exchange, std::min(end, Clock::now() + look_around_every))) {
      if (options.monitor) {
        if (auto failure = options.monitor->failure()) {
          throw PeerFailure(call.place(state.rank, state.world_size), *std::move(failure));
        }
      }
      if (Clock::now() >= end) throw deadline_passed(call);
    }
  }
};

/// One collective between its start and its end.
class MpiPending final : public Pending::Operation {
 public:
  MpiPending(const Context& context, Call call) : context_(context), call_(std::move(call)) {}

  void wait() override {
    context_.wait(*exchange_, call_, start_);
    if (result_.defined()) result_.copy_(buffers_->written, /*non_blocking=*/true);
  }

  Buffers& buffers() { return *buffers_; }
  std::string place() const { return call_.place(context_.state.rank, context_.state.world_size); }

  void read_from(const at::Tensor& tensor) {
    buffers_->read = host_memory_of(tensor);
    if (!tensor.is_cpu()) buffers_->read.copy_(tensor);
  }

  void write_to(const at::Tensor& tensor) {
    buffers_->written = host_memory_of(tensor);
    if (!tensor.is_cpu()) result_ = tensor;
  }

  /// What is read is also what is written.
  void read_and_write(const at::Tensor& tensor) {
    write_to(tensor);
    if (!tensor.is_cpu()) buffers_->written.copy_(tensor);
  }

  /// `begin(buffers, communicator, request)` calls the function of MPI and returns its code.
  template <typename Begin>
  void start(const Begin& begin) {
    exchange_ = context_.state.thread.start(
        place(),
        [begin, buffers = buffers_.get(), communicator = context_.communicator, place = place()](MPI_Request* request) {
          check_mpi(begin(*buffers, communicator, request), place);
        },
        buffers_);
  }

 private:
  const Context& context_;
  Call call_;
  Clock::time_point start_ = Clock::now();
  std::shared_ptr<Buffers> buffers_ = std::make_shared<Buffers>();
  std::shared_ptr<MpiThread::Exchange> exchange_;
  at::Tensor result_;  ///< on another device than the host: where the caller wants what is written
};

class Mpi final : public Communicator {
 public:
  Mpi(MpiEnvironment::State& state, const Options& options) : Communicator(options.monitor), context_{state, options} {
    duplicate_world();
    // Without monitor: what this rank has come to is the call that is checked.
    if (options.check_calls) check_calls_over(std::make_unique<Mpi>(state, Options{.deadline = options.deadline}));
  }

  ~Mpi() override {
    // Freeing is for all ranks together, which an unfinished collective says they are not.
    if (!context_.state.thread.idle() || context_.state.abandoned) return;
    context_.state.thread.run([&] { MPI_Comm_free(&context_.communicator); });
  }

  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;

  int64_t rank() const override { return context_.state.rank; }
  int64_t world_size() const override { return context_.state.world_size; }
  std::string_view backend() const override { return "mpi"; }

 private:
  /// A communicator of our own, so that our calls never meet those of others.
  void duplicate_world() {
    const Call call{Collective::barrier, "the start of the MPI communicator"};
    const auto communicator = std::make_shared<MPI_Comm>(MPI_COMM_NULL);
    const auto exchange = context_.state.thread.start(
        call.words,
        [communicator, words = call.words](MPI_Request* request) {
          check_mpi(MPI_Comm_idup(MPI_COMM_WORLD, communicator.get(), request), words);
        },
        communicator);
    context_.wait(*exchange, call, Clock::now());
    context_.communicator = *communicator;
  }

  /// MPI 3.1, 5.9.6, requires that all ranks receive identical results.
  Operation start_all_reduce(const Call& call, at::Tensor tensor, Reduction reduction) override {
    auto operation = std::make_unique<MpiPending>(context_, call);
    operation->read_and_write(tensor);
    const int elements = element_count(tensor.numel(), operation->place());
    const MPI_Datatype type = element_type(tensor.scalar_type());
    const MPI_Op reduce = reduction_operation(reduction, tensor.scalar_type());
    operation->start([=](Buffers& buffers, MPI_Comm communicator, MPI_Request* request) {
      return MPI_Iallreduce(MPI_IN_PLACE, buffers.written.data_ptr(), elements, type, reduce, communicator, request);
    });
    return operation;
  }

  Operation start_all_gather(const Call& call, at::Tensor slice, at::Tensor gathered,
                             at::IntArrayRef rows_of_rank) override {
    auto operation = std::make_unique<MpiPending>(context_, call);
    operation->buffers().set_extents(gathered, rows_of_rank, operation->place());
    operation->read_from(slice);
    operation->write_to(gathered);
    const MPI_Datatype type = element_type(slice.scalar_type());
    operation->start([type, rank = rank()](Buffers& buffers, MPI_Comm communicator, MPI_Request* request) {
      return MPI_Iallgatherv(buffers.read.data_ptr(), buffers.counts[rank], type, buffers.written.data_ptr(),
                             buffers.counts.data(), buffers.starts.data(), type, communicator, request);
    });
    return operation;
  }

  Operation start_reduce_scatter(const Call& call, at::Tensor tensor, at::Tensor slice,
                                 at::IntArrayRef rows_of_rank) override {
    auto operation = std::make_unique<MpiPending>(context_, call);
    operation->buffers().set_extents(tensor, rows_of_rank, operation->place());
    operation->read_from(tensor);
    operation->write_to(slice);
    const MPI_Datatype type = element_type(tensor.scalar_type());
    const MPI_Op reduce = reduction_operation(Reduction::sum, tensor.scalar_type());
    operation->start([=](Buffers& buffers, MPI_Comm communicator, MPI_Request* request) {
      return MPI_Ireduce_scatter(buffers.read.data_ptr(), buffers.written.data_ptr(), buffers.counts.data(), type,
                                 reduce, communicator, request);
    });
    return operation;
  }

  Operation start_all_to_all(const Call& call, at::Tensor sent, at::Tensor received) override {
    auto operation = std::make_unique<MpiPending>(context_, call);
    operation->read_from(sent);
    operation->write_to(received);
    const int row = element_count(sent.numel(), operation->place()) / static_cast<int>(world_size());
    const MPI_Datatype type = element_type(sent.scalar_type());
    operation->start([=](Buffers& buffers, MPI_Comm communicator, MPI_Request* request) {
      return MPI_Ialltoall(buffers.read.data_ptr(), row, type, buffers.written.data_ptr(), row, type, communicator,
                           request);
    });
    return operation;
  }

  Operation start_broadcast(const Call& call, at::Tensor tensor, int64_t root) override {
    auto operation = std::make_unique<MpiPending>(context_, call);
    operation->read_and_write(tensor);
    const int elements = element_count(tensor.numel(), operation->place());
    const MPI_Datatype type = element_type(tensor.scalar_type());
    operation->start([=](Buffers& buffers, MPI_Comm communicator, MPI_Request* request) {
      return MPI_Ibcast(buffers.written.data_ptr(), elements, type, static_cast<int>(root), communicator, request);
    });
    return operation;
  }

  Operation start_barrier(const Call& call) override {
    auto operation = std::make_unique<MpiPending>(context_, call);
    operation->start(
        [](Buffers&, MPI_Comm communicator, MPI_Request* request) { return MPI_Ibarrier(communicator, request); });
    return operation;
  }

  Context context_;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi(MpiEnvironment& environment, const Options& options) {
  return std::make_unique<Mpi>(environment.state(), options);
}

}  // namespace causalfm::comm
