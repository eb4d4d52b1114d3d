#include "training/gather_rows.hpp"

#include <ATen/ATen.h>

#include <numeric>

namespace causalfm::training {

at::Tensor gather_rows(const at::Tensor& slice, const std::vector<int64_t>& rows_of_rank,
                       comm::Communicator& communicator) {
  std::vector<int64_t> shape = slice.sizes().vec();
  shape[0] = std::accumulate(rows_of_rank.begin(), rows_of_rank.end(), int64_t{0});
  at::Tensor gathered = at::empty(shape, slice.options().requires_grad(false));
  communicator.all_gather(slice.contiguous(), gathered, rows_of_rank).wait();
  return gathered;
}

}  // namespace causalfm::training
