#include "causalfm/run/tensor_summary.hpp"

#include "causalfm/run/tensor_array.hpp"

#include <ATen/ATen.h>

namespace causalfm::run {

std::vector<TensorSummary> summarize(const Checkpoint& checkpoint) {
  std::vector<TensorSummary> summaries;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    const StorableTensor stored = storable(tensor, name);
    const at::Tensor elements = stored.tensor.to(at::kDouble);
    summaries.push_back({name, elements.sizes().vec(), stored.type, elements.square().sum().sqrt().item<double>(),
                         elements.isfinite().logical_not().sum().item<int64_t>()});
  }
  return summaries;
}

int64_t learnable_numbers(const Checkpoint& checkpoint) {
  int64_t count = 0;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (name.starts_with(weights_prefix)) count += tensor.numel();
  }
  return count;
}

}  // namespace causalfm::run
