#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace causalfm::comm {

/// Cores that the operating system lets this process run on. Local.
int64_t cores_of_process();

/// The numbers of those cores, ascending. Local.
std::vector<int64_t> core_numbers_of_process();

/// The NUMA nodes that these cores belong to: "1", "0-1"; "unknown" where the system does not say. Local.
/// @param system where Linux tells of nodes
std::string numa_nodes_of(const std::vector<int64_t>& cores,
                          const std::filesystem::path& system = "/sys/devices/system/node");

/// Ascending numbers as ranges, "0-3,8"; of more than `most` ranges the first, ",..." and how many numbers there are.
std::string number_ranges(const std::vector<int64_t>& numbers, size_t most);

/// "Open MPI v4.1.4". Any time.
std::string mpi_version();

}  // namespace causalfm::comm
