#include "training/process_memory.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace causalfm::training {

namespace {

/// The number behind `key` in a file of lines "key: number kB", in bytes.
double kilobytes_of(const char* file, const std::string& key) {
  std::ifstream lines(file);
  std::string word;
  while (lines >> word) {
    double value = 0.0;
    if (word == key && lines >> value) return 1024.0 * value;
    lines.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0.0;
}

double number_in(const char* file) {
  double value = std::numeric_limits<double>::infinity();  // stays for "max", which is no number, and for no file
  std::ifstream(file) >> value;
  return value > 0.0 ? value : std::numeric_limits<double>::infinity();
}

}  // namespace

double peak_resident_bytes() { return kilobytes_of("/proc/self/status", "VmHWM:"); }

double available_bytes() {
  const double machine = kilobytes_of("/proc/meminfo", "MemAvailable:");
  double used = number_in("/sys/fs/cgroup/memory.current");
  if (used > machine) used = 0.0;
  return std::min(machine, number_in("/sys/fs/cgroup/memory.max") - used);
}

}  // namespace causalfm::training
