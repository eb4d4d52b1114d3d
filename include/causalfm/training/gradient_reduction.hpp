#pragma once

#include "causalfm/comm/communicator.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::training {

/// Sums the flat gradient over all ranks in place, bucket by bucket of at most `bucket_mib` MiB, all in flight at
/// once. Collective.
void reduce_gradients(at::Tensor flat_gradients, int64_t bucket_mib, comm::Communicator& communicator);

}  // namespace causalfm::training
