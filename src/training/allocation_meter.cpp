#include "training/allocation_meter.hpp"

#include <c10/core/Allocator.h>

#include <algorithm>
#include <mutex>

namespace causalfm::training {

class AllocationMeter::Counter final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void* /*memory*/, int64_t size, size_t /*total_allocated*/, size_t /*total_reserved*/,
                         c10::Device /*device*/) override {
    const std::lock_guard lock(mutex_);
    alive_ += size;
    peak = std::max(peak, alive_);
    if (size <= 0) return;
    allocated += size;
    ++allocations;
  }

  bool memoryProfilingEnabled() const override { return true; }

  int64_t peak = 0;
  int64_t allocated = 0;
  int64_t allocations = 0;

 private:
  std::mutex mutex_;
  int64_t alive_ = 0;
};

AllocationMeter::AllocationMeter()
    : counter_(std::make_shared<Counter>()), guard_(c10::DebugInfoKind::PROFILER_STATE, counter_) {}

AllocationMeter::~AllocationMeter() = default;

int64_t AllocationMeter::peak_bytes() const { return counter_->peak; }
int64_t AllocationMeter::allocated_bytes() const { return counter_->allocated; }
int64_t AllocationMeter::allocations() const { return counter_->allocations; }

}  // namespace causalfm::training
