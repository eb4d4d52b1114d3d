#include "causalfm/comm/topology.hpp"

#include "cores.hpp"

#include <mpi.h>

namespace causalfm::comm {

cpu_set_t cores_of_this_process() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) CPU_SET(0, &cores);
  return cores;
}

int64_t cores_of_process() {
  const cpu_set_t cores = cores_of_this_process();
  return CPU_COUNT(&cores);
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  if (MPI_Get_library_version(text, &length) != MPI_SUCCESS) return "unknown";
  const std::string version(text, length);
  return version.substr(0, version.find(','));
}

}  // namespace causalfm::comm
