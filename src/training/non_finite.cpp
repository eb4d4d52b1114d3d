#include "training/non_finite.hpp"

#include "causalfm/training/error.hpp"

#include <fmt/format.h>

namespace causalfm::training {

namespace {

/// The same rows and the same dropout come again, so a step that three lower rates in turn have not got past will not
/// be got past by a fourth.
constexpr int64_t most_rollbacks = 3;

}  // namespace

std::string stop_sentence(const NonFiniteStep& step, const std::string& why) {
  const std::string look = step.batch_file.empty() ? "look at the data"
                                                   : fmt::format("try what helps with `causalfm train --replay {}`",
                                                                 step.batch_file.string());
  return fmt::format(
      "step {}: {}{}; the last checkpoint is intact: lower train.learning_rate or set train.gradient_clip, and {}",
      step.number, step.found, why, look);
}

NonFinite::Answer NonFinite::answer(const NonFiniteStep& step, Recovery& recovery) {
  switch (settings_.non_finite) {
    case config::NonFinite::stop:
      break;
    case config::NonFinite::skip:
      if (recovery.skipped_in_a_row >= settings_.non_finite_patience) {
        throw NumericsError(stop_sentence(
            step,
            fmt::format("; the {} steps before were skipped for the like, as many as train.non_finite_patience allows",
                        recovery.skipped_in_a_row)));
      }
      ++recovery.skipped_in_a_row;
      ++recovery.skipped_steps;
      return Answer::skip;
    case config::NonFinite::rollback:
      rollbacks_ = step.number == last_step_ ? rollbacks_ + 1 : 1;
      last_step_ = step.number;
      if (rollbacks_ > most_rollbacks) {
        throw NumericsError(
            stop_sentence(step, fmt::format("; {} rollbacks from this very step have not helped", most_rollbacks)));
      }
      return Answer::rollback;
  }
  throw NumericsError(stop_sentence(step));
}

}  // namespace causalfm::training
