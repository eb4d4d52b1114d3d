#include "causalfm/training/gradient_buckets.hpp"

#include <algorithm>

namespace causalfm::training {

namespace {

constexpr int64_t part_of_whole = 8;
constexpr int64_t part_of_rest = 4;
constexpr int64_t smallest_share_bytes = int64_t{64} * 1024;  // below it, a message's latency outweighs its bytes
constexpr int64_t mebibyte = int64_t{1024} * 1024;

}  // namespace

std::vector<GradientBucket> gradient_buckets(const model::Parameters& parameters, int64_t bucket_mib) {
  const at::Tensor& gradient = parameters.flat_gradients();
  const auto gradient_bytes = static_cast<int64_t>(gradient.nbytes());
  const auto element_bytes = static_cast<int64_t>(gradient.element_size());
  const auto most_elements = [&](int64_t rest) {
    const int64_t share_bytes = std::min(gradient_bytes / part_of_whole, rest * element_bytes / part_of_rest);
    return std::min(bucket_mib * mebibyte, std::max(share_bytes, smallest_share_bytes)) / element_bytes;
  };

  std::vector<GradientBucket> buckets;
  const std::vector<model::Parameters::Entry>& entries = parameters.entries();
  int64_t end = gradient.numel();
  int64_t most = 0;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const int64_t elements = end - entry->offset;
    if (buckets.empty() || buckets.back().elements + elements > most) {
      most = most_elements(end);
      buckets.push_back({entry->offset, elements, 1});
    } else {
      GradientBucket& bucket = buckets.back();
      bucket = {entry->offset, bucket.elements + elements, bucket.parameters + 1};
    }
    end = entry->offset;
  }
  return buckets;
}

}  // namespace causalfm::training
