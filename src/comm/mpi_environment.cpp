#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

#include "cores.hpp"
#include "mpi_state.hpp"

#include <mpi.h>

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::comm {
namespace {

constexpr std::chrono::seconds abort_patience{5};

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
}

/// Hands rank 0's invitation to the watchdogs of all ranks.
void connect_watchdogs(MpiEnvironment::State& state) {
  std::array<char, 2048> text{};
  if (state.rank == 0) {
    const std::string invitation = state.watchdog->invitation();
    if (invitation.size() < text.size()) std::ranges::copy(invitation, text.begin());
  }
  check_mpi(MPI_Bcast(text.data(), text.size(), MPI_CHAR, 0, MPI_COMM_WORLD), "MPI_Bcast of the watchdog's invitation");
  if (state.rank != 0) state.watchdog->join(text.data());
}

}  // namespace

MpiEnvironment::MpiEnvironment(Watchdog* watchdog, std::chrono::duration<double> deadline)
    : state_(std::make_unique<State>()) {
  state_->watchdog = watchdog;
  state_->deadline = deadline;
  std::optional<Watchdog::Guard> guard;
  if (watchdog != nullptr) guard.emplace(watchdog->cover("MPI_Init", deadline));
  state_->thread.run([&] {
    start_mpi();
    find_place(*state_);
    if (watchdog != nullptr && state_->world_size > 1) connect_watchdogs(*state_);
  });
  state_->exceptions_at_start = std::uncaught_exceptions();
  if (watchdog != nullptr) {
    watchdog->set_abort([this](int exit_code) { abort(exit_code, abort_patience); });
  }
}

MpiEnvironment::~MpiEnvironment() {
  Watchdog* watchdog = state_->watchdog;
  if (watchdog != nullptr) watchdog->set_abort({});
  const bool unwinding = std::uncaught_exceptions() > state_->exceptions_at_start;
  if (state_->abandoned || unwinding || !state_->thread.idle()) return;
  std::optional<Watchdog::Guard> guard;
  if (watchdog != nullptr) {
    watchdog->announce(Phase::ending, -1);
    guard.emplace(watchdog->cover("MPI_Finalize", state_->deadline, Watchdog::Patience::for_the_living));
  }
  state_->thread.run([&] {
    MPI_Comm_free(&state_->node);
    MPI_Finalize();
  });
}

int64_t MpiEnvironment::rank() const { return state_->rank; }
int64_t MpiEnvironment::world_size() const { return state_->world_size; }
int64_t MpiEnvironment::local_rank() const { return state_->local_rank; }
int64_t MpiEnvironment::local_size() const { return state_->local_size; }

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
