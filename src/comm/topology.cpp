#include "causalfm/comm/topology.hpp"

#include "cores.hpp"

#include <mpi.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <system_error>

namespace causalfm::comm {
namespace {

/// Whether a list of the kernel's, as "0-3,8", has one of these cores.
bool has_any(const std::string& list, const std::vector<int64_t>& cores) {
  std::istringstream ranges(list);
  for (std::string range; std::getline(ranges, range, ',');) {
    std::istringstream bounds(range);
    int64_t first = 0;
    int64_t last = 0;
    char dash = 0;
    if (!(bounds >> first)) continue;
    if (!(bounds >> dash >> last)) last = first;
    if (std::ranges::any_of(cores, [&](int64_t core) { return first <= core && core <= last; })) return true;
  }
  return false;
}

}  // namespace

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

std::vector<int64_t> core_numbers_of_process() {
  const cpu_set_t cores = cores_of_this_process();
  std::vector<int64_t> numbers;
  for (int64_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &cores)) numbers.push_back(core);
  }
  return numbers;
}

std::string numa_nodes_of(const std::vector<int64_t>& cores, const std::filesystem::path& system) {
  std::vector<int64_t> nodes;
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(system, unreadable)) {
    std::istringstream name(entry.path().filename().string());
    int64_t number = 0;
    if (!entry.path().filename().string().starts_with("node") || !name.ignore(4) || !(name >> number)) continue;
    std::ifstream file(entry.path() / "cpulist");
    std::string list;
    if (std::getline(file, list) && has_any(list, cores)) nodes.push_back(number);
  }
  if (nodes.empty()) return "unknown";
  std::ranges::sort(nodes);
  return number_ranges(nodes, nodes.size());
}

std::string number_ranges(const std::vector<int64_t>& numbers, size_t most) {
  std::string text;
  size_t ranges = 0;
  for (size_t first = 0; first < numbers.size();) {
    size_t last = first;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (++ranges > most) return text + ",... (" + std::to_string(numbers.size()) + " in all)";
    if (first > 0) text += ',';
    text += std::to_string(numbers[first]);
    if (last > first) text += '-' + std::to_string(numbers[last]);
    first = last + 1;
  }
  return text;
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  if (MPI_Get_library_version(text, &length) != MPI_SUCCESS) return "unknown";
  const std::string version(text, length);
  return version.substr(0, version.find(','));
}

}  // namespace causalfm::comm
