#pragma once

namespace causalfm::config {

/// What a launcher says about this process through its environment; the one place that reads it.
struct Environment {
  bool terminal = false;  ///< launch/mpirun.sh says that a person watches its standard output (CAUSALFM_TERMINAL=1)
  bool launched = false;  ///< mpirun, srun with PMIx, or a launcher that speaks PMI started this process
};

Environment read_environment();

}  // namespace causalfm::config
