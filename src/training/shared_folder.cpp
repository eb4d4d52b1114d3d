#include "training/shared_folder.hpp"

#include <ATen/ATen.h>

namespace causalfm::training {

std::optional<int64_t> first_rank_without(const std::filesystem::path& file, storage::FileSystem& file_system,
                                          comm::Communicator& communicator) {
  const int64_t ranks = communicator.world_size();
  const at::Tensor blind = at::full({1}, file_system.exists(file) ? -ranks : -communicator.rank(), at::kLong);
  communicator.all_reduce(blind, comm::Reduction::maximum, "who sees the run's folder").wait();
  const int64_t first = -blind.item<int64_t>();
  if (first == ranks) return std::nullopt;
  return first;
}

}  // namespace causalfm::training
