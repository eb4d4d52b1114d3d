#pragma once

#include "causalfm/config/config.hpp"
#include "training/recovery.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace causalfm::training {

/// A step with a loss or gradient that is not finite.
struct NonFiniteStep {
  int64_t number = 0;
  std::string found;                 ///< what is not finite, and where it was seen first
  std::filesystem::path batch_file;  ///< that keeps its batch; empty if none does
};

/// Decides what a run does about a step that is not finite (docs/numerics.md). Local; what it is told is equal on every
/// rank, and so is what it says.
class NonFinite {
 public:
  enum class Answer { skip, rollback };

  explicit NonFinite(const config::Train& settings) : settings_(settings) {}

  /// What to do about `step`; a skip is counted in `recovery`.
  /// @throws NumericsError when the run has to stop: as configured, or because the answer has not helped.
  Answer answer(const NonFiniteStep& step, Recovery& recovery);

 private:
  const config::Train& settings_;
  int64_t last_step_ = -1;  ///< that a rollback answered to
  int64_t rollbacks_ = 0;   ///< from that step, one after the other
};

/// The sentence of a run that stops at `step`. @param why more of it, beginning with "; "; may be empty
std::string stop_sentence(const NonFiniteStep& step, const std::string& why = "");

}  // namespace causalfm::training
