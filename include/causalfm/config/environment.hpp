#pragma once

namespace causalfm::config {

/// What a launcher says about this process through its environment; the one place that reads it.
struct Environment {
  bool launched = false;  ///< mpirun or srun with PMIx started this process: MPI has something to say
};

Environment read_environment();

}  // namespace causalfm::config
