#pragma once

#include "causalfm/comm/communicator.hpp"

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

/// Runs `body` on `world_size` threads, each a rank of one communicator (CPU tensors), and joins them. Sums run in rank
/// order, rank 0 first. ATen uses one thread in each rank; the caller's number of threads is as before on return.
/// If a rank throws, or returns while others wait for it, the collectives of the others end at once with a
/// CommunicationError; after the join the exception of the lowest rank that threw of its own accord is rethrown.
/// Calls that do not match between ranks are a CommunicationError that names both. For tests of distributed logic in
/// one process.
/// @throws what `body` throws.
void run_ranks_as_threads(int64_t world_size, const Options& options, const std::function<void(Communicator&)>& body);

/// How a job that cannot go on ends on every rank: what `rank` has to say, and the code it says it with.
struct AgreedFailure {
  int64_t rank;
  int exit_code;
};

/// The MPI library between MPI_Init_thread and MPI_Finalize: one object a process, made before any use of MPI. One
/// thread at a time may use it and the communicators made from it (MPI_THREAD_SERIALIZED).
class MpiEnvironment {
 public:
  /// Collective over the job. @throws CommunicationError when MPI was started before or offers too little.
  MpiEnvironment();

  /// Finalizes MPI, for which all ranks must come. Does not after abandon(), during the unwinding of an exception, or
  /// while a collective is unfinished, for then it could wait for ever.
  ~MpiEnvironment();
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;

  int64_t rank() const;
  int64_t world_size() const;
  int64_t local_rank() const;  ///< among the ranks that share this node's memory
  int64_t local_size() const;

  /// Agreement on a failure: every rank that fails calls it with its exit code. Returns, equal on every rank, the
  /// lowest failing rank and its code once all ranks have called (all may then finalize and exit with that code), or
  /// none when some rank did not within `patience` (then abort is what is left). A rank with code 4 may only have
  /// noticed another's failure: it is named if there is no other.
  std::optional<AgreedFailure> agree_on_failure(int exit_code, std::chrono::duration<double> patience);

  /// From now on the destructor leaves MPI as it is. For a rank that will not see the others again.
  void abandon();

  /// Ends every rank of the job with `exit_code` by MPI_Abort, the library's one way out of the process; does not
  /// return.
  [[noreturn]] void abort(int exit_code);

  class State;
  State& state() { return *state_; }  ///< for the backend

 private:
  std::unique_ptr<State> state_;
};

/// All ranks of the job over MPI; CPU tensors (GPU tensors through host copies). `environment` outlives it.
/// Collective, and no rank waits longer than the deadline for the others. Collectives progress only inside calls.
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
