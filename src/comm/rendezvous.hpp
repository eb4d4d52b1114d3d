#pragma once

#include "causalfm/comm/call.hpp"
#include "causalfm/comm/error.hpp"

#include <ATen/core/Tensor.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::comm {

/// What one rank brings to a collective; the tensors of all ranks are in one address space.
struct Contribution {
  at::Tensor input;
  at::Tensor output;
};

/// Carries a collective out, given every rank's contribution in rank order.
using Exchange = std::function<void(std::vector<Contribution>&)>;

/// Where ranks that are threads of one process meet. The nth collective of one rank meets the nth of every other; the
/// rank that comes last does the work of all. Every function may be called from any thread.
class Rendezvous {
 public:
  explicit Rendezvous(int64_t world_size);

  /// One collective, under way or done.
  class Meeting;

  /// Rank `rank` comes to the collective of the call's number. Does not wait for the others. The call's words must be
  /// equal on all ranks.
  /// @throws CommunicationError when it is not.
  std::shared_ptr<Meeting> arrive(int64_t rank, const Call& call, Contribution contribution, const Exchange& exchange);

  /// Returns once `meeting` is done.
  /// @throws CommunicationError naming the missing ranks after `deadline` or when one of them has left.
  void wait(int64_t rank, const Meeting& meeting, std::chrono::steady_clock::time_point start,
            std::chrono::duration<double> deadline);

  /// Ends every collective that is not done with a PeerFailure that carries `cause`.
  void fail(int64_t rank, const std::string& cause);

  /// Rank `rank` comes to no collective any more.
  void leave(int64_t rank);

 private:
  std::string missing_ranks(const Meeting& meeting, bool only_left) const;

  const int64_t world_size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, std::shared_ptr<Meeting>> open_;  ///< by number, as long as a rank has not come
  std::vector<bool> left_;
  std::optional<Failure> failure_;
};

}  // namespace causalfm::comm
