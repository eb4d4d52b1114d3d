#include "causalfm/data/slices.hpp"

#include "causalfm/config/error.hpp"

#include <string>

namespace causalfm::data {

std::vector<int64_t> rows_of_rank(int64_t triplets, int64_t rows_per_anchor, int64_t world_size) {
  std::vector<int64_t> rows(static_cast<size_t>(world_size));
  const int64_t even = triplets / world_size;
  const int64_t longer = triplets % world_size;
  for (int64_t rank = 0; rank < world_size; ++rank) {
    rows[static_cast<size_t>(rank)] = (even + (rank < longer ? 1 : 0)) * rows_per_anchor;
  }
  return rows;
}

void check_world_size(int64_t triplets, int64_t world_size) {
  if (world_size > triplets) {
    throw config::ConfigError("train.batch_triplets is " + std::to_string(triplets) + " and there are " +
                              std::to_string(world_size) +
                              " ranks, so that some would hold no row: raise it to at least " +
                              std::to_string(world_size) + " or start fewer ranks");
  }
}

}  // namespace causalfm::data
