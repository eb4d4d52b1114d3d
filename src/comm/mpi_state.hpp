#pragma once

#include "causalfm/comm/backends.hpp"
#include "mpi_thread.hpp"

#include <mpi.h>

namespace causalfm::comm {

class MpiEnvironment::State {
 public:
  MpiThread thread;
  int rank = 0;
  int world_size = 1;
  int local_rank = 0;
  int local_size = 1;
  Watchdog* watchdog = nullptr;
  std::chrono::duration<double> deadline{};  ///< of the watchdog for MPI's start and end
  MPI_Comm node = MPI_COMM_NULL;             ///< the ranks that share this node's memory
  bool abandoned = false;
  int exceptions_at_start = 0;
};

}  // namespace causalfm::comm
