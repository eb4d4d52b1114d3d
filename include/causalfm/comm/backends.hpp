#pragma once

#include "causalfm/comm/communicator.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace causalfm::comm {

/// One rank: every collective is a copy or nothing.
std::unique_ptr<Communicator> make_single();

/// Runs `body` on `world_size` threads, each a rank of one communicator (CPU tensors), and joins them. If a rank
/// throws, the others end their collectives with a CommunicationError and the lowest throwing rank's exception is
/// rethrown. For tests of distributed logic in one process.
void run_ranks_as_threads(int64_t world_size, const Options& options, const std::function<void(Communicator&)>& body);

/// The MPI library between MPI_Init_thread and MPI_Finalize: one object a process, made before any use of MPI.
class MpiEnvironment {
 public:
  MpiEnvironment();
  ~MpiEnvironment();  ///< finalizes; after abandon() it does not
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;

  int64_t rank() const;
  int64_t world_size() const;
  int64_t local_rank() const;  ///< among the ranks that share this node's memory
  int64_t local_size() const;

  /// Agreement on a failure: every rank that fails calls it with its exit code within `patience`. Returns the lowest
  /// failing rank when all ranks have called (all may then finalize and exit), or none when some rank did not.
  std::optional<int64_t> agree_on_failure(std::chrono::duration<double> patience);

  /// Ends every rank of the job with `code`; does not return.
  [[noreturn]] void abort(int code);
};

/// All ranks of the job over MPI; CPU tensors (GPU tensors through host copies). `environment` outlives it.
std::unique_ptr<Communicator> make_mpi(MpiEnvironment& environment, const Options& options);

}  // namespace causalfm::comm
