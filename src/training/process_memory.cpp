#include "training/process_memory.hpp"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace causalfm::training {

namespace {

namespace fs = std::filesystem;

constexpr double unlimited = std::numeric_limits<double>::infinity();

/// The C library gives 64 MiB of addresses to every thread that allocates, and a training has some four of them.
constexpr double addresses_of_threads = 4.0 * 64.0 * 1024.0 * 1024.0;

/// The number behind `key` in a file of lines "key number ...", or `otherwise`.
double number_behind(const std::string& key, const fs::path& file, double otherwise) {
  std::ifstream lines(file);
  std::string line;
  while (std::getline(lines, line)) {
    double value = 0.0;
    if (line.starts_with(key) && std::istringstream(line.substr(key.size())) >> value) return value;
  }
  return otherwise;
}

double kilobytes_behind(const std::string& key, const fs::path& file) { return 1024.0 * number_behind(key, file, 0.0); }

struct GroupFiles {
  fs::path mount;
  const char* limit;
  const char* usage;
  const char* reclaimable;  ///< key in memory.stat
};

/// What the control group `group` and those around it leave to their processes.
double left_in_groups(const GroupFiles& files, const fs::path& group) {
  double left = unlimited;
  for (fs::path inner = group.relative_path();; inner = inner.parent_path()) {
    const fs::path folder = files.mount / inner;
    const double limit = number_behind("", folder / files.limit, unlimited);
    const double used = number_behind("", folder / files.usage, 0.0);
    const double reclaimable = number_behind(files.reclaimable, folder / "memory.stat", 0.0);
    left = std::min(left, limit - used + reclaimable);
    if (inner.empty()) return left;
  }
}

/// Of every control group of this process; lines of /proc/self/cgroup are "number:controllers:path", for version 2
/// "0::path".
double left_in_groups(const fs::path& root) {
  const GroupFiles first{root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                         "total_inactive_file "};
  const GroupFiles second{root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file "};
  double left = unlimited;
  std::ifstream lines(root / "proc/self/cgroup");
  std::string line;
  while (std::getline(lines, line)) {
    const size_t controllers = line.find(':') + 1;
    const size_t path = line.find(':', controllers) + 1;
    const std::string names = "," + line.substr(controllers, path - 1 - controllers) + ",";
    if (names == ",,") left = std::min(left, left_in_groups(second, line.substr(path)));
    if (names.find(",memory,") != std::string::npos) left = std::min(left, left_in_groups(first, line.substr(path)));
  }
  return left;
}

}  // namespace

void forget_past_memory() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

double freed_bytes() { return static_cast<double>(mallinfo2().fordblks); }

double peak_resident_bytes() { return kilobytes_behind("VmHWM:", "/proc/self/status"); }

double attainable_bytes(int64_t processes, double freed, const fs::path& root) {
  const fs::path status = root / "proc/self/status";
  const double left = std::min(kilobytes_behind("MemAvailable:", root / "proc/meminfo"), left_in_groups(root));
  const double address_space = number_behind("Max address space", root / "proc/self/limits", unlimited) -
                               kilobytes_behind("VmSize:", status) + freed - addresses_of_threads;
  const double more = std::min(left / static_cast<double>(processes), address_space);
  return kilobytes_behind("VmRSS:", status) + std::max(0.0, more);
}

}  // namespace causalfm::training
