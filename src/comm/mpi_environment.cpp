#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

#include "mpi_request.hpp"
#include "mpi_state.hpp"

#include <mpi.h>

#include <exception>

namespace causalfm::comm {
namespace {

/// The code of a CommunicationError, which is often the echo of another rank's failure.
constexpr int communication_exit_code = 4;

/// Failures as numbers of which the lowest is the one to report: causes before echoes, then the lowest rank.
int64_t failure_key(int64_t rank, int exit_code) {
  const int64_t echo = exit_code == communication_exit_code ? 1 : 0;
  return (echo << 48) | (rank << 16) | (exit_code & 0xffff);
}

AgreedFailure failure_of(int64_t key) { return {(key >> 16) & 0xffffffff, static_cast<int>(key & 0xffff)}; }

void start_mpi() {
  int started = 0;
  check_mpi(MPI_Initialized(&started), "MPI_Initialized");
  if (started) {
    throw CommunicationError("MPI was started before in this process; make one MpiEnvironment, before any use of MPI");
  }
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_SERIALIZED) {
    throw CommunicationError("this MPI library serves one thread only; use one built with MPI_THREAD_SERIALIZED");
  }
}

}  // namespace

MpiEnvironment::MpiEnvironment() : state_(std::make_unique<State>()) {
  start_mpi();
  // Inherited by the communicators made from these, so that errors come back to check_mpi.
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &state_->rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &state_->world_size), "MPI_Comm_size");
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, state_->rank, MPI_INFO_NULL, &node),
            "MPI_Comm_split_type");
  check_mpi(MPI_Comm_rank(node, &state_->local_rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(node, &state_->local_size), "MPI_Comm_size");
  check_mpi(MPI_Comm_free(&node), "MPI_Comm_free");
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &state_->agreement), "MPI_Comm_dup");
  state_->exceptions_at_start = std::uncaught_exceptions();
}

MpiEnvironment::~MpiEnvironment() {
  const bool unwinding = std::uncaught_exceptions() > state_->exceptions_at_start;
  std::erase_if(state_->unfinished, [](UnfinishedCollective& collective) {
    int complete = 0;
    return MPI_Test(&collective.request, &complete, MPI_STATUS_IGNORE) == MPI_SUCCESS && complete;
  });
  if (state_->abandoned || unwinding || !state_->unfinished.empty()) return;
  MPI_Comm_free(&state_->agreement);
  MPI_Finalize();
}

int64_t MpiEnvironment::rank() const { return state_->rank; }
int64_t MpiEnvironment::world_size() const { return state_->world_size; }
int64_t MpiEnvironment::local_rank() const { return state_->local_rank; }
int64_t MpiEnvironment::local_size() const { return state_->local_size; }

std::optional<AgreedFailure> MpiEnvironment::agree_on_failure(int exit_code, std::chrono::duration<double> patience) {
  const std::string place = "the agreement on a failure";
  const auto end = after(std::chrono::steady_clock::now(), patience);
  const auto key = std::make_shared<int64_t>(failure_key(rank(), exit_code));
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, key.get(), 1, MPI_INT64_T, MPI_MIN, state_->agreement, &request), place);
  if (completes_by(request, end, place)) return failure_of(*key);
  state_->unfinished.push_back({request, key});
  return std::nullopt;
}

void MpiEnvironment::abandon() { state_->abandoned = true; }

void MpiEnvironment::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::terminate();
}

}  // namespace causalfm::comm
