#pragma once

#include "causalfm/comm/call.hpp"

#include <ATen/core/Tensor.h>

#include <string_view>

/// What comes before every exchange: check the tensors of a call and put it into words. Each function throws
/// std::invalid_argument for tensors that do not fit.
namespace causalfm::comm {

Call all_reduce_call(const at::Tensor& tensor, Reduction reduction, std::string_view purpose);

Call all_gather_call(const at::Tensor& slice, const at::Tensor& gathered, at::IntArrayRef rows_of_rank, int64_t rank,
                     int64_t world_size, std::string_view purpose);

Call reduce_scatter_call(const at::Tensor& tensor, const at::Tensor& slice, at::IntArrayRef rows_of_rank, int64_t rank,
                         int64_t world_size, std::string_view purpose);

Call all_to_all_call(const at::Tensor& sent, const at::Tensor& received, int64_t world_size, std::string_view purpose);

Call broadcast_call(const at::Tensor& tensor, int64_t root, int64_t world_size, std::string_view purpose);

}  // namespace causalfm::comm
