#pragma once

#include "causalfm/run/state.hpp"
#include "causalfm/sweep/description.hpp"
#include "causalfm/sweep/folder.hpp"
#include "causalfm/sweep/trial.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace causalfm::sweep {

/// What has become of a trial.
enum class Progress {
  waiting,  ///< nothing of it is there
  running,
  interrupted,  ///< ended by a signal or a time limit, to go on
  gone,         ///< its process was killed; to go on
  failed,
  trained,  ///< to be evaluated
  done,
};

/// "waiting", "running", …
std::string to_string(Progress progress);

struct Outcome {
  Progress progress = Progress::waiting;
  int64_t steps = 0;                                        ///< done
  double value = std::numeric_limits<double>::quiet_NaN();  ///< of the objective; of a trial that is done
  double seconds = 0.0;                                     ///< spent training
  int code = 0;                                             ///< of a failure; 0: unknown
  std::string sentence;                                     ///< of a failure

  /// Whether it has come to its end, well or not.
  bool has_ended() const { return progress == Progress::done || progress == Progress::failed; }
};

/// The steps that a trial is to train in a rung; counted from 0.
int64_t steps_of(const Description& description, const Trial& trial, int64_t rung);

/// What the files of a trial tell of it as of `steps`, whatever it has done beyond. The objective is taken where the
/// validation loss was lowest up to there, which is what embed and evaluate use; of a training field the last line
/// counts; of a report the number at the path, lists averaged. Local, reads only.
/// @throws SweepError when a report is there and lacks the objective; storage::StorageError for a file that cannot be
///         read.
Outcome outcome_of(const SweepFolder& folder, const Description& description, const Trial& trial, int64_t steps,
                   const run::Observer& observer);

}  // namespace causalfm::sweep
