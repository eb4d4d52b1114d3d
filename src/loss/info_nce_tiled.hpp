#pragma once

#include "contrast_tiles.hpp"

namespace causalfm::loss {

/// info_nce with a path and tile sizes of the caller's choice.
at::Tensor info_nce(const at::Tensor& projection, const ContrastLabels& labels,
                    const std::vector<int64_t>& rows_of_rank, const InfoNceOptions& options,
                    comm::Communicator& communicator, const Tiling& tiling);

}  // namespace causalfm::loss
