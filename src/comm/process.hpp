#pragma once

#include <cstdint>

namespace causalfm::comm {

/// A process of this host, told apart from a later one of the same number.
struct ProcessIdentity {
  int64_t process = 0;
  int64_t start = 0;              ///< in clock ticks since the host started
  int64_t process_namespace = 0;  ///< in which `process` is its number
};

enum class ProcessState {
  running,
  stopped,  ///< by a signal
  gone,     ///< ended, waited for or not
  unknown,  ///< of another namespace: a container of its own
};

ProcessIdentity this_process();
ProcessState process_state(const ProcessIdentity& identity);

}  // namespace causalfm::comm
