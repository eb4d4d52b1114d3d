#pragma once

#include "causalfm/comm/communicator.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace causalfm::comm {

/// How values come to the tensors that are exchanged, and back: where a backend has a device, by its computation.
struct Workbench {
  std::function<at::Tensor(const at::Tensor& values)> place;  ///< a tensor of its own with these values
  std::function<at::Tensor(const at::Tensor& tensor)> fetch;  ///< its values, in host memory
};

/// Tensors in host memory.
Workbench host_workbench();

/// Makes `rounds` rounds of random collectives, some at a time, and compares each with a plain evaluation in double
/// of what all ranks brought (every rank draws the input of all from `seed`). Collective; fails the running test.
void check_random_collectives(Communicator& communicator, uint64_t seed, int rounds,
                              const Workbench& workbench = host_workbench());

}  // namespace causalfm::comm
