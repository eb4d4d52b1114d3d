#pragma once

#include <cstdint>
#include <string>

namespace causalfm::comm {

/// Cores that the operating system lets this process run on. Local.
int64_t cores_of_process();

/// "Open MPI v4.1.4". Any time.
std::string mpi_version();

}  // namespace causalfm::comm
