#pragma once

namespace causalfm::app {

/// While this object lives, SIGTERM, SIGINT and SIGUSR1 (Slurm's --signal) ask for a save and an orderly end instead of
/// ending the process; a second SIGINT ends it at once. One object a process at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  bool requested() const;

  /// Whether SIGTERM was among what asked, which a launcher also sends to the survivors when a rank has died.
  bool terminated() const;
};

}  // namespace causalfm::app
