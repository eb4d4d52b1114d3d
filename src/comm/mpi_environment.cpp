#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

#include "cores.hpp"
#include "mpi_state.hpp"

#include <mpi.h>

#include <algorithm>
#include <exception>
#include <vector>

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
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_FUNNELED) {
    throw CommunicationError("this MPI library does not serve programs with threads; use one built with them");
  }
}

void find_place(MpiEnvironment::State& state) {
  // Inherited by the communicators made from these, so that errors come back to check_mpi.
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &state.rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &state.world_size), "MPI_Comm_size");
  check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, state.rank, MPI_INFO_NULL, &state.node),
            "MPI_Comm_split_type");
  check_mpi(MPI_Comm_rank(state.node, &state.local_rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(state.node, &state.local_size), "MPI_Comm_size");
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &state.agreement), "MPI_Comm_dup");
}

}  // namespace

MpiEnvironment::MpiEnvironment() : state_(std::make_unique<State>()) {
  state_->thread.run([&] {
    start_mpi();
    find_place(*state_);
  });
  state_->exceptions_at_start = std::uncaught_exceptions();
}

MpiEnvironment::~MpiEnvironment() {
  const bool unwinding = std::uncaught_exceptions() > state_->exceptions_at_start;
  if (state_->abandoned || unwinding || !state_->thread.idle()) return;
  state_->thread.run([&] {
    MPI_Comm_free(&state_->agreement);
    MPI_Comm_free(&state_->node);
    MPI_Finalize();
  });
}

int64_t MpiEnvironment::rank() const { return state_->rank; }
int64_t MpiEnvironment::world_size() const { return state_->world_size; }
int64_t MpiEnvironment::local_rank() const { return state_->local_rank; }
int64_t MpiEnvironment::local_size() const { return state_->local_size; }

std::optional<AgreedFailure> MpiEnvironment::agree_on_failure(int exit_code, std::chrono::duration<double> patience) {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(patience);
  const std::string place = "the agreement on a failure";
  const auto key = std::make_shared<int64_t>(failure_key(rank(), exit_code));
  const auto exchange = state_->thread.start(
      place,
      [key, place, agreement = state_->agreement](MPI_Request* request) {
        check_mpi(MPI_Iallreduce(MPI_IN_PLACE, key.get(), 1, MPI_INT64_T, MPI_MIN, agreement, request), place);
      },
      key);
  if (!state_->thread.wait_until(*exchange, end)) return std::nullopt;
  return failure_of(*key);
}

void MpiEnvironment::abandon() { state_->abandoned = true; }

void MpiEnvironment::abort(int exit_code, std::chrono::duration<double> patience) {
  state_->thread.run_first([exit_code] { MPI_Abort(MPI_COMM_WORLD, exit_code); }, patience);
}

int64_t MpiEnvironment::cores_of_rank() {
  const cpu_set_t mine = cores_of_this_process();
  std::vector<cpu_set_t> all(state_->local_size);
  state_->thread.run([&] {
    check_mpi(MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all.data(), sizeof mine, MPI_BYTE, state_->node),
              "MPI_Allgather");
  });
  const auto sharing = std::ranges::count_if(all, [&](const cpu_set_t& other) { return CPU_EQUAL(&mine, &other); });
  return std::max<int64_t>(1, CPU_COUNT(&mine) / sharing);
}

}  // namespace causalfm::comm
