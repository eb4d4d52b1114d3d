#include "causalfm/run/process.hpp"

#include <unistd.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace causalfm::run {

namespace {

std::string process_space() {
  std::string start_of_machine;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> start_of_machine;
  std::error_code error;
  const std::filesystem::path numbers = std::filesystem::read_symlink("/proc/self/ns/pid", error);
  return start_of_machine.empty() || error ? std::string() : start_of_machine + " " + numbers.string();
}

/// When a process that has not ended began; empty for no such process.
std::string start_of(int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  // The name in parentheses may hold anything; state, the third field, comes after it, the start is the 22nd.
  std::istringstream fields(line.substr(line.rfind(')') == std::string::npos ? line.size() : line.rfind(')') + 1));
  const std::vector<std::string> words{std::istream_iterator<std::string>(fields), {}};
  if (words.size() < 20 || words[0] == "Z" || words[0] == "X") return {};
  return words[19];
}

}  // namespace

ProcessIdentity identity_of_this_process() { return {process_space(), start_of(this_pid())}; }

std::optional<bool> is_alive(int64_t pid, const ProcessIdentity& process) {
  if (process.space.empty() || process.start.empty() || process.space != process_space()) return {};
  return start_of(pid) == process.start;
}

std::string this_host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

int64_t this_pid() { return ::getpid(); }

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace causalfm::run
