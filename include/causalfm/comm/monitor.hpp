#pragma once

#include "causalfm/comm/call.hpp"
#include "causalfm/comm/error.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace causalfm::comm {

/// What a rank is doing, for the sentence that names it when others wait for it in vain.
enum class Phase { starting, step, validation, checkpoint, ending };

/// What the ranks know of each other beside the collectives. Backends tell it what this rank does and ask it, while
/// they wait, whether to go on waiting. Every function may be called from any thread and returns at once.
class Monitor {
 public:
  virtual ~Monitor() = default;

  /// This rank is in that phase of that step; a negative step leaves the step as it was.
  virtual void announce(Phase phase, int64_t step) = 0;

  /// This rank has come to that collective.
  virtual void started(const Call& call) = 0;

  /// What ended the job on another rank.
  virtual std::optional<Failure> failure() const = 0;

  /// In words, which ranks have not come to `call`, their hosts and what they were last known to do ("rank 2 on node7,
  /// silent for 12 s, in step 40"); empty when nothing is known.
  virtual std::string missing(const Call& call) const = 0;
};

}  // namespace causalfm::comm
