#pragma once

#include "app/job.hpp"

#include <cstdint>
#include <filesystem>
#include <iosfwd>

namespace causalfm::app {

enum class Launcher { local, slurm };

struct SweepRequest {
  std::filesystem::path file;
  std::filesystem::path folder;  ///< empty: sweeps/STEM-OF-FILE
  int64_t jobs = 1;              ///< trials at a time
  int64_t ranks = 1;             ///< of a trial
  Launcher launcher = Launcher::local;
  bool retry_failed = false;  ///< also those whose numbers were not finite, which fail alike on the same machine
};

/// `causalfm sweep run`: prepares the sweep's folder, then runs every trial that is not done as a process of its own,
/// or hands them to Slurm. Code 0 when all are done, 7 when some failed, 75 when some are to go on.
/// @throws SweepError, ConfigError before any trial; StorageError as soon as a trial's disk is full.
int sweep_run(Job& job, const SweepRequest& request, std::ostream& output);

}  // namespace causalfm::app
