#pragma once

#include "causalfm/comm/communicator.hpp"

#include "nccl_api.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace causalfm::comm {

/// What a rank waits for: a collective, or the start or the end of the communicator.
struct NcclWait {
  std::string place;              ///< "all_reduce (sum) of 12 float32 (collective 7) on rank 1 of 4"
  std::optional<Call> call = {};  ///< of a collective
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
};

inline bool is_error(ncclResult_t result) { return result != ncclSuccess && result != ncclInProgress; }

/// Between two looks at what has been waited for since then: NCCL hands a launch to a thread of its own, which is soon
/// done, but connecting to other ranks takes as long as they do.
void pause_in_wait(std::chrono::steady_clock::time_point since);

/// One rank's communicator of NCCL, non-blocking, and the rules of its use:
/// - while it is in progress it is asked for its state and nothing else is called on it;
/// - after an error it is aborted, once, and nothing is called on it any more;
/// - without one it is finalized, asked until that is done, and destroyed.
/// The first failure is kept, and every later call throws it. Any thread may call any function; calls on NCCL's
/// communicator exclude each other, which is bearable because none of a non-blocking communicator waits.
class NcclConnection {
 public:
  /// Puts work on a stream by one function of NCCL or a group of them, and returns what NCCL returned.
  using Enqueue = std::function<ncclResult_t(ncclComm_t)>;

  /// Collective: returns when all ranks have come. The calling thread's device is this rank's.
  /// @throws CommunicationError
  NcclConnection(const NcclApi& api, const ncclUniqueId& id, int64_t rank, int64_t world_size, Options options);

  /// Aborts what was not closed.
  ~NcclConnection();
  NcclConnection(const NcclConnection&) = delete;
  NcclConnection& operator=(const NcclConnection&) = delete;

  /// Returns when the work is on its stream, not when it is done. @throws CommunicationError
  void issue(const NcclWait& wait, const Enqueue& enqueue);

  /// Fails if the job has failed, if NCCL reports an error, or if `wait` has passed the deadline.
  void examine(const NcclWait& wait);

  /// The connection cannot be used any more: aborts, unless that has happened.
  void fail(const std::exception_ptr& failure);

  /// @throws the first failure, if there was one.
  void check() const;
  bool failed() const;

  std::string place() const;  ///< "NCCL on rank 1 of 4"

  /// Finalizes and destroys when all work is done. Aborts instead where that fails or takes longer than the deadline.
  void close() noexcept;

 private:
  ncclResult_t state();
  bool ends(ncclResult_t state, const NcclWait& wait);
  void settle(ncclResult_t state, const NcclWait& wait);

  const NcclApi& api_;
  const int64_t rank_;
  const int64_t world_size_;
  const Options options_;

  mutable std::mutex mutex_;
  ncclComm_t communicator_ = nullptr;  ///< null once it is aborted or destroyed
  std::exception_ptr failure_;
};

}  // namespace causalfm::comm
