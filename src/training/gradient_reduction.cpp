#include "causalfm/training/gradient_reduction.hpp"

#include <algorithm>
#include <vector>

namespace causalfm::training {

void reduce_gradients(at::Tensor flat_gradients, int64_t bucket_mib, comm::Communicator& communicator) {
  const int64_t bucket = bucket_mib * 1024 * 1024 / static_cast<int64_t>(flat_gradients.element_size());
  std::vector<comm::Pending> buckets;
  for (int64_t first = 0; first < flat_gradients.numel(); first += bucket) {
    const int64_t elements = std::min(bucket, flat_gradients.numel() - first);
    buckets.push_back(communicator.all_reduce(flat_gradients.narrow(0, first, elements)));
  }
  for (comm::Pending& pending : buckets) pending.wait();
}

}  // namespace causalfm::training
