#include "causalfm/comm/topology.hpp"

#include "mpi_request.hpp"

#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <vector>

namespace causalfm::comm {

namespace {

cpu_set_t cores_allowed() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) CPU_SET(0, &cores);
  return cores;
}

}  // namespace

int64_t cores_of_process() {
  const cpu_set_t cores = cores_allowed();
  return CPU_COUNT(&cores);
}

int64_t cores_of_rank() {
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
  int ranks = 1;
  check_mpi(MPI_Comm_size(node, &ranks), "MPI_Comm_size");
  const cpu_set_t mine = cores_allowed();
  std::vector<cpu_set_t> all(ranks);
  check_mpi(MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all.data(), sizeof mine, MPI_BYTE, node), "MPI_Allgather");
  check_mpi(MPI_Comm_free(&node), "MPI_Comm_free");
  const auto sharing = std::ranges::count_if(all, [&](const cpu_set_t& other) { return CPU_EQUAL(&mine, &other); });
  return std::max<int64_t>(1, CPU_COUNT(&mine) / sharing);
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  if (MPI_Get_library_version(text, &length) != MPI_SUCCESS) return "unknown";
  const std::string version(text, length);
  return version.substr(0, version.find(','));
}

}  // namespace causalfm::comm
