#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace causalfm::run {

/// Which process a number means: numbers count within a start of the machine and a namespace, and come again.
struct ProcessIdentity {
  std::string space;  ///< start of the machine and namespace of processes; empty: unknown
  std::string start;  ///< when the process began, in the system's ticks
};

ProcessIdentity identity_of_this_process();

/// Whether that process lives; none where this one cannot see it.
std::optional<bool> is_alive(int64_t pid, const ProcessIdentity& process);

/// The name of this host; "unknown" where the system has none.
std::string this_host();

int64_t this_pid();

/// "2026-11-26T02:49:31Z"
std::string utc_now();

}  // namespace causalfm::run
