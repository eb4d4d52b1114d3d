#include "model/fused/fused_sublayer.hpp"

#include "model/fused/fused_sublayers.hpp"

#include <ATen/ATen.h>

namespace causalfm::model {

at::Tensor FusedSublayer::parameter(size_t number) const { return parameters_[number].detach(); }

bool kernels_serve(int64_t width) { return width % 16 == 0 && width <= largest_width; }

std::vector<at::Tensor> joined(std::initializer_list<std::vector<at::Tensor>> lists) {
  std::vector<at::Tensor> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace causalfm::model
