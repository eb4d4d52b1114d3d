#pragma once

#include "comm/nccl_double/device.hpp"

/// The memory of the double's device, and host memory that its copies reach. What is freed is filled with other values
/// and stays readable until end_memory(), so that a late reader gets wrong numbers instead of a crash.
namespace causalfm::comm::nccl_double {

at::Tensor allocate(int64_t bytes, int64_t device);
at::Tensor allocate_pinned(int64_t bytes);

bool is_pinned(const Region& region);

/// Work that is queued reads or writes `region`.
void begin_use(const Region& region);
void end_use(const Region& region);

void end_memory();

}  // namespace causalfm::comm::nccl_double
