#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

#include "mpi_request.hpp"
#include "mpi_state.hpp"

#include <mpi.h>

#include <limits>
#include <sstream>
#include <vector>

namespace causalfm::comm {
namespace {

using Clock = std::chrono::steady_clock;
using Operation = std::unique_ptr<Pending::Operation>;

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

at::Tensor on_host(const at::Tensor& tensor) {
  const at::Tensor detached = tensor.detach();
  return detached.is_cpu() ? detached : detached.cpu();
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

CommunicationError deadline_passed(const std::string& place, std::chrono::duration<double> deadline) {
  std::ostringstream text;
  text << place << " did not end within " << deadline.count()
       << " s: a rank is gone, hangs or made other calls; look for the first error in the other ranks' output, or "
          "raise comm.deadline_seconds if a rank may take longer";
  return CommunicationError(text.str());
}

/// One collective between its start and its end.
class MpiPending final : public Pending::Operation {
 public:
  MpiPending(MpiEnvironment::State& state, std::string place, std::chrono::duration<double> deadline)
      : state_(state), place_(std::move(place)), deadline_(deadline), start_(Clock::now()) {}

  ~MpiPending() override {
    if (request_ == MPI_REQUEST_NULL) return;
    int complete = 0;
    if (MPI_Test(&request_, &complete, MPI_STATUS_IGNORE) == MPI_SUCCESS && complete) return;
    state_.unfinished.push_back({request_, buffers_});
  }

  void wait() override {
    if (!completes_by(request_, after(start_, deadline_), place_)) throw deadline_passed(place_, deadline_);
    if (result_.defined()) result_.copy_(buffers_->written);
  }

  Buffers& buffers() { return *buffers_; }
  MPI_Request* request() { return &request_; }
  const std::string& place() const { return place_; }

  void read_from(const at::Tensor& tensor) { buffers_->read = on_host(tensor); }

  void write_to(const at::Tensor& tensor) {
    buffers_->written = on_host(tensor);
    if (!tensor.is_cpu()) result_ = tensor.detach();
  }

 private:
  MpiEnvironment::State& state_;
  std::string place_;
  std::chrono::duration<double> deadline_;
  Clock::time_point start_;
  MPI_Request request_ = MPI_REQUEST_NULL;
  std::shared_ptr<Buffers> buffers_ = std::make_shared<Buffers>();
  at::Tensor result_;  ///< on another device than the host: where the caller wants what is written
};

/// A communicator of our own, so that our calls never meet those of others.
MPI_Comm duplicate_world(MpiEnvironment::State& state, const Options& options) {
  const Clock::time_point start = Clock::now();
  const std::string place = "the start of the MPI communicator on rank " + std::to_string(state.rank) + " of " +
                            std::to_string(state.world_size);
  const auto communicator = std::make_shared<MPI_Comm>(MPI_COMM_NULL);
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Comm_idup(MPI_COMM_WORLD, communicator.get(), &request), place);
  if (!completes_by(request, after(start, options.deadline), place)) {
    state.unfinished.push_back({request, communicator});
    throw deadline_passed(place, options.deadline);
  }
  return *communicator;
}

class Mpi final : public Communicator {
 public:
  Mpi(MpiEnvironment::State& state, const Options& options)
      : Communicator(options.monitor),
        state_(state),
        options_(options),
        communicator_(duplicate_world(state, options)) {}

  ~Mpi() override {
    // Freeing is for all ranks together, which an unfinished collective says they are not.
    if (state_.unfinished.empty() && !state_.abandoned) MPI_Comm_free(&communicator_);
  }

  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;

  int64_t rank() const override { return state_.rank; }
  int64_t world_size() const override { return state_.world_size; }
  std::string_view backend() const override { return "mpi"; }

 private:
  /// MPI 3.1, 5.9.6, requires that all ranks receive identical results.
  Operation start_all_reduce(const Call& call, at::Tensor tensor, Reduction reduction) override {
    auto operation = begin(call);
    const at::ScalarType type = tensor.scalar_type();
    operation->write_to(tensor);
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, operation->buffers().written.data_ptr(),
                             element_count(tensor.numel(), operation->place()), element_type(type),
                             reduction_operation(reduction, type), communicator_, operation->request()),
              operation->place());
    return operation;
  }

  Operation start_all_gather(const Call& call, at::Tensor slice, at::Tensor gathered,
                             at::IntArrayRef rows_of_rank) override {
    auto operation = begin(call);
    const MPI_Datatype type = element_type(slice.scalar_type());
    Buffers& buffers = operation->buffers();
    buffers.set_extents(gathered, rows_of_rank, operation->place());
    operation->read_from(slice);
    operation->write_to(gathered);
    check_mpi(MPI_Iallgatherv(buffers.read.data_ptr(), buffers.counts[rank()], type, buffers.written.data_ptr(),
                              buffers.counts.data(), buffers.starts.data(), type, communicator_, operation->request()),
              operation->place());
    return operation;
  }

  Operation start_reduce_scatter(const Call& call, at::Tensor tensor, at::Tensor slice,
                                 at::IntArrayRef rows_of_rank) override {
    auto operation = begin(call);
    const at::ScalarType type = tensor.scalar_type();
    Buffers& buffers = operation->buffers();
    buffers.set_extents(tensor, rows_of_rank, operation->place());
    operation->read_from(tensor);
    operation->write_to(slice);
    check_mpi(MPI_Ireduce_scatter(buffers.read.data_ptr(), buffers.written.data_ptr(), buffers.counts.data(),
                                  element_type(type), reduction_operation(Reduction::sum, type), communicator_,
                                  operation->request()),
              operation->place());
    return operation;
  }

  Operation start_all_to_all(const Call& call, at::Tensor sent, at::Tensor received) override {
    auto operation = begin(call);
    const MPI_Datatype type = element_type(sent.scalar_type());
    const int row_elements = element_count(sent.numel(), operation->place()) / static_cast<int>(world_size());
    operation->read_from(sent);
    operation->write_to(received);
    Buffers& buffers = operation->buffers();
    check_mpi(MPI_Ialltoall(buffers.read.data_ptr(), row_elements, type, buffers.written.data_ptr(), row_elements, type,
                            communicator_, operation->request()),
              operation->place());
    return operation;
  }

  Operation start_broadcast(const Call& call, at::Tensor tensor, int64_t root) override {
    auto operation = begin(call);
    operation->write_to(tensor);
    check_mpi(
        MPI_Ibcast(operation->buffers().written.data_ptr(), element_count(tensor.numel(), operation->place()),
                   element_type(tensor.scalar_type()), static_cast<int>(root), communicator_, operation->request()),
        operation->place());
    return operation;
  }

  Operation start_barrier(const Call& call) override {
    auto operation = begin(call);
    check_mpi(MPI_Ibarrier(communicator_, operation->request()), operation->place());
    return operation;
  }

  std::unique_ptr<MpiPending> begin(const Call& call) {
    return std::make_unique<MpiPending>(state_, call.place(state_.rank, state_.world_size), options_.deadline);
  }

  MpiEnvironment::State& state_;
  Options options_;
  MPI_Comm communicator_;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi(MpiEnvironment& environment, const Options& options) {
  return std::make_unique<Mpi>(environment.state(), options);
}

}  // namespace causalfm::comm
