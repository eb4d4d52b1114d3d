#pragma once

#include "causalfm/comm/error.hpp"
#include "causalfm/comm/watchdog.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace causalfm::comm {

/// What is known of why a job fails, and which of it to tell: of several failures a rank's own (a broken shard) before
/// a rank's death, that before a deadline that passed, that before what only follows from another's; then the lowest
/// rank's.
class Agreement {
 public:
  explicit Agreement(int64_t world_size) : world_size_(world_size) {}

  /// `rank` says that it has failed. Only the first report of a rank counts.
  void report(int64_t rank, const Failure& failure, bool echo);

  /// failure.rank has gone or fallen silent without a word.
  void lost(const Failure& failure);

  bool begun() const { return !failures_.empty(); }
  bool has_reported(int64_t rank) const;

  /// Whether the failure to tell, so far, is a rank that was lost. begun() holds.
  bool is_loss() const { return first()->second.kind == Kind::lost; }

  /// The failure to tell, so far. begun() holds.
  const Failure& cause() const;

  /// With "rank 3: " before the sentence when not all ranks have met it. begun() holds.
  Verdict verdict() const;

 private:
  enum class Kind { own, lost, deadline, echo };
  struct Known {
    Failure failure;
    Kind kind;
  };

  std::map<int64_t, Known>::const_iterator first() const;

  int64_t world_size_;
  std::map<int64_t, Known> failures_;  ///< by rank
};

}  // namespace causalfm::comm
