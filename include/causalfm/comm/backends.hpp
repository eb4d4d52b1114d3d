#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/comm/watchdog.hpp"

#include <c10/core/Device.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace causalfm::comm {

/// One rank: every collective is a copy or nothing.
std::unique_ptr<Communicator> make_single();

/// Rank 0 of `world_size` ranks of which the others are only imagined: they bring to every collective what rank 0
/// brings, rows of theirs are copies of its. For planning: memory and traffic of a rank are those of the real job.
std::unique_ptr<Communicator> make_rehearsal(int64_t world_size);

/// Runs `body` on `world_size` threads, each a rank of one communicator (CPU tensors), and joins them. Sums run in rank
/// order, rank 0 first. ATen uses one thread in each rank; the caller's number of threads is as before on return.
/// If a rank throws, or returns while others wait for it, the collectives of the others end at once with a
/// CommunicationError; after the join the exception of the lowest rank that threw of its own accord is rethrown.
/// Calls that do not match between ranks are a CommunicationError that names both. For tests of distributed logic in
/// one process.
/// @throws what `body` throws.
void run_ranks_as_threads(int64_t world_size, const Options& options, const std::function<void(Communicator&)>& body);

/// The MPI library between MPI_Init_thread and MPI_Finalize: one object a process, made before any use of MPI. A thread
/// of its own makes every call of MPI and drives what is under way while the ranks compute; this object and the
/// communicators made from it may be used by one other thread at a time.
class MpiEnvironment {
 public:
  /// Collective over the job. @throws CommunicationError when MPI was started before or offers too little.
  /// @param watchdog covers MPI_Init and MPI_Finalize with `deadline`, and gets its connections here; null: nobody
  /// does. Outlives this object.
  explicit MpiEnvironment(Watchdog* watchdog = nullptr, std::chrono::duration<double> deadline = {});

  /// Finalizes MPI, for which all ranks must come. Does not after abandon(), during the unwinding of an exception, or
  /// while a collective is unfinished, for then it could wait for ever.
  ~MpiEnvironment();
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;

  int64_t rank() const;
  int64_t world_size() const;
  int64_t local_rank() const;  ///< among the ranks that share this node's memory
  int64_t local_size() const;

  /// Cores that this rank may use: its process's, divided by the ranks of its node that are bound to the very same ones
  /// (all of them where nothing is bound); at least 1. Collective. @throws CommunicationError
  int64_t cores_of_rank();

  /// From now on the destructor leaves MPI as it is. For a rank that will not see the others again.
  void abandon();

  /// Ends every rank of the job with `exit_code` by MPI_Abort, the library's one way out of the process. Returns only
  /// when MPI has not done so within `patience`. Any thread.
  void abort(int exit_code, std::chrono::duration<double> patience);

  class State;
  State& state() { return *state_; }  ///< for the backend

 private:
  std::unique_ptr<State> state_;
};

/// All ranks of the job over MPI: CPU tensors, and GPU tensors staged through pinned host memory, for which a call
/// waits until what it reads is computed. `environment` outlives it. Collective, and no rank waits longer than the
/// deadline for the others. Collectives progress while the ranks compute.
/// @throws CommunicationError
std::unique_ptr<Communicator> make_mpi(MpiEnvironment& environment, const Options& options);

/// All ranks of `control` over NCCL, each with a GPU of its own, `device`. Tensors on it are exchanged there, on a
/// stream of the communicator: wait() makes the current stream wait, not the host. Tensors in host memory are exchanged
/// by way of the device, and wait() returns when they may be read. Where the host is blocked on the device while a rank
/// is lost, the deadline ends the device's work; what it computed is then worthless, and the next call throws.
/// Collective, by means of `control`, which is not used after that.
/// @throws CommunicationError, also where nccl_built() is false.
std::unique_ptr<Communicator> make_nccl(Communicator& control, c10::Device device, const Options& options);

/// Whether NCCL and CUDA are built into this program.
bool nccl_built();

/// "2.28.9" or "not built".
std::string nccl_version();

/// The PCI bus of this GPU, which distinguishes it from every other of this node; empty for the CPU. Local.
std::string gpu_identity(c10::Device device);

}  // namespace causalfm::comm
