#pragma once

namespace causalfm::app {

/// From here on SIGTERM, SIGINT and SIGUSR1 (Slurm's --signal) ask for a save and an orderly end instead of ending the
/// process, and to the end of the process: one that comes when training is done must not make a rank look lost. A
/// second SIGINT ends the process at once. One object a process.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  bool requested() const;

  /// Whether SIGTERM was among what asked, which a launcher also sends to the survivors when a rank has died.
  bool terminated() const;
};

}  // namespace causalfm::app
