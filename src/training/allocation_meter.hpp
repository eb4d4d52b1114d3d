#pragma once

#include <c10/util/ThreadLocalDebugInfo.h>

#include <cstdint>
#include <memory>

namespace causalfm::training {

/// Counts the memory that tensors take and give back on this thread, and on the threads that ATen computes on for it,
/// while the object lives. Local. One object a thread at a time.
class AllocationMeter {
 public:
  AllocationMeter();
  ~AllocationMeter();
  AllocationMeter(const AllocationMeter&) = delete;
  AllocationMeter& operator=(const AllocationMeter&) = delete;

  int64_t peak_bytes() const;       ///< most that was alive at once, beyond what was when the meter began
  int64_t allocated_bytes() const;  ///< all that was taken, given back or not
  int64_t allocations() const;

 private:
  class Counter;
  std::shared_ptr<Counter> counter_;
  c10::DebugInfoGuard guard_;
};

}  // namespace causalfm::training
