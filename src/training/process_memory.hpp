#pragma once

namespace causalfm::training {

/// Most memory that this process has held at once so far, in bytes (VmHWM of /proc/self/status); 0 where unknown.
double peak_resident_bytes();

/// Memory that programs may still take on this machine, or in the control group that this process belongs to, in bytes.
double available_bytes();

}  // namespace causalfm::training
