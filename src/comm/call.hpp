#pragma once

#include "causalfm/comm/communicator.hpp"

#include <ATen/core/Tensor.h>

#include <string>

/// What every backend does before it exchanges anything: check the tensors of a call and put the call into words. Each
/// function returns the words ("all_reduce (sum) of 12 float32"), equal on all ranks whose calls match, and throws
/// std::invalid_argument for tensors that do not fit.
namespace causalfm::comm {

std::string all_reduce_call(const at::Tensor& tensor, Reduction reduction);

std::string all_gather_call(const at::Tensor& slice, const at::Tensor& gathered, at::IntArrayRef rows_of_rank,
                            int64_t rank, int64_t world_size);

std::string reduce_scatter_call(const at::Tensor& tensor, const at::Tensor& slice, at::IntArrayRef rows_of_rank,
                                int64_t rank, int64_t world_size);

std::string broadcast_call(const at::Tensor& tensor, int64_t root, int64_t world_size);

}  // namespace causalfm::comm
