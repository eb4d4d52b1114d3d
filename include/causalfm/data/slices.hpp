#pragma once

#include <cstdint>
#include <vector>

namespace causalfm::data {

/// How many rows of a global batch each rank holds, in rank order: whole triplets in contiguous runs, as even as
/// possible, the longer runs first. Their sum is triplets * rows_per_anchor.
std::vector<int64_t> rows_of_rank(int64_t triplets, int64_t rows_per_anchor, int64_t world_size);

/// @throws config::ConfigError (exit code 2) when there are more ranks than triplets, so that one would hold none.
void check_world_size(int64_t triplets, int64_t world_size);

}  // namespace causalfm::data
