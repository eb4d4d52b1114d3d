#include "causalfm/comm/backends.hpp"
#include "causalfm/loss/info_nce.hpp"

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace causalfm::loss {
namespace {

/// What tensors allocate on this thread, in bytes.
class AllocationRecord final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override {
    held_ += bytes;
    peak = std::max(peak, held_);
  }
  bool memoryProfilingEnabled() const override { return true; }

  int64_t peak = 0;

 private:
  int64_t held_ = 0;
};

int64_t peak_bytes(int64_t rows) {
  const at::Tensor projection = at::randn({rows, 16}).requires_grad_(true);
  const at::Tensor star = at::arange(rows, at::kLong).floor_divide(3);
  const at::Tensor instrument = at::arange(rows, at::kLong).remainder(17);
  const ContrastLabels labels{star, instrument, at::Tensor(), at::ones({rows}, at::kBool)};
  const auto record = std::make_shared<AllocationRecord>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, record);
  info_nce(projection, labels, {rows}, {0.1, true}, *comm::make_single()).backward();
  return record->peak;
}

TEST(InfoNceMemory, GrowsWithRowsNotWithTheirSquare) {
  constexpr int64_t matrix_bytes = int64_t{8192} * 8192 * 4;
  const int64_t peak = peak_bytes(8192);
  EXPECT_GT(peak, 8192 * 16 * 4);
  EXPECT_LT(peak, matrix_bytes / 8);
  EXPECT_LT(peak - peak_bytes(4096), 4096 * 16 * 4 * 16);
}

}  // namespace
}  // namespace causalfm::loss
