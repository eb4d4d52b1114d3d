#include "comm/process.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace causalfm::comm {
namespace {

struct Status {
  char state = '?';
  int64_t start = 0;
};

/// What /proc says; none when there is no such process.
std::optional<Status> read_status(int64_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  if (!std::getline(file, text, '\0') && text.empty()) return std::nullopt;
  const size_t name_end = text.rfind(')');  // the name before it may hold anything
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  Status status;
  fields >> status.state;
  std::string skipped;
  constexpr int fields_before_start = 18;  // proc(5): state is field 3, starttime field 22
  for (int i = 0; i < fields_before_start; ++i) fields >> skipped;
  fields >> status.start;
  return status;
}

int64_t own_namespace() {
  struct stat status {};
  return ::stat("/proc/self/ns/pid", &status) == 0 ? static_cast<int64_t>(status.st_ino) : 0;
}

}  // namespace

ProcessIdentity this_process() {
  const int64_t process = ::getpid();
  const auto status = read_status(process);
  return {process, status ? status->start : 0, own_namespace()};
}

ProcessState process_state(const ProcessIdentity& identity) {
  static const int64_t own = own_namespace();
  if (identity.process_namespace != own || identity.start == 0) return ProcessState::unknown;
  const auto status = read_status(identity.process);
  if (!status || status->start != identity.start || status->state == 'Z' || status->state == 'X') {
    return ProcessState::gone;
  }
  return status->state == 'T' || status->state == 't' ? ProcessState::stopped : ProcessState::running;
}

}  // namespace causalfm::comm
