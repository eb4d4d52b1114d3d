#pragma once

#include "causalfm/run/checkpoint.hpp"
#include "causalfm/storage/array.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace causalfm::run {

/// What a person wants to know of a tensor without its elements.
struct TensorSummary {
  std::string name;
  std::vector<int64_t> shape;
  storage::ElementType type;
  double norm = 0.0;       ///< L2, summed in float64; not finite when an element is not
  int64_t not_finite = 0;  ///< elements that are NaN or infinite
};

/// Of every tensor, in the checkpoint's order. Local.
std::vector<TensorSummary> summarize(const Checkpoint& checkpoint);

/// Elements of all `model/…` tensors.
int64_t learnable_numbers(const Checkpoint& checkpoint);

}  // namespace causalfm::run
