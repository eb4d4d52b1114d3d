#pragma once

#include "causalfm/comm/communicator.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace causalfm::training {

/// The rows [rows of all ranks, ...] of which every rank has its `slice` [rows_of_rank[rank], ...], without graph.
/// Collective. @throws CommunicationError
at::Tensor gather_rows(const at::Tensor& slice, const std::vector<int64_t>& rows_of_rank,
                       comm::Communicator& communicator);

}  // namespace causalfm::training
