#pragma once

#include <sched.h>

namespace causalfm::comm {

/// The cores that the operating system lets this process run on.
cpu_set_t cores_of_this_process();

}  // namespace causalfm::comm
