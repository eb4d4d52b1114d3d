#pragma once

#include "causalfm/comm/backends.hpp"

#include <mpi.h>

#include <memory>
#include <vector>

namespace causalfm::comm {

/// A collective that this rank stopped waiting for. MPI may read and write its buffers whenever it makes progress, so
/// they live as long as the process uses MPI.
struct UnfinishedCollective {
  MPI_Request request;
  std::shared_ptr<void> buffers;
};

class MpiEnvironment::State {
 public:
  int rank = 0;
  int world_size = 1;
  int local_rank = 0;
  int local_size = 1;
  MPI_Comm agreement = MPI_COMM_NULL;  ///< carries agree_on_failure and nothing else
  bool abandoned = false;
  int exceptions_at_start = 0;
  std::vector<UnfinishedCollective> unfinished;
};

}  // namespace causalfm::comm
