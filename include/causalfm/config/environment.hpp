#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace causalfm::config {

/// Which process of a job this is, as the launcher says before MPI can.
struct ProcessPlace {
  std::string job;  ///< equal on a job's processes of one host, different for every other job; empty: not known
  int64_t rank = 0;
  int64_t world_size = 1;
  int64_t local_rank = 0;  ///< among the processes of this host
  int64_t local_size = 1;
  std::string host;
};

/// What a launcher says about this process through its environment; the one place that reads it.
struct Environment {
  bool terminal = false;  ///< launch/mpirun.sh says that a person watches its standard output (CAUSALFM_TERMINAL=1)
  bool launched = false;  ///< mpirun, srun with PMIx, or a launcher that speaks PMI started this process
  std::optional<ProcessPlace> place = {};  ///< none: no launcher, or one that does not say it as mpirun and srun do
};

Environment read_environment();

}  // namespace causalfm::config
