#pragma once

#include <cstdint>
#include <string>

namespace causalfm::comm {

/// Cores that the operating system lets this process run on. Local.
int64_t cores_of_process();

/// The share of a rank: its cores, divided by the ranks of its node that are bound to the very same ones (all of them
/// where nothing is bound); at least 1. Collective over the job, between MPI_Init and MPI_Finalize.
/// @throws CommunicationError
int64_t cores_of_rank();

/// "Open MPI v4.1.4". Any time.
std::string mpi_version();

}  // namespace causalfm::comm
