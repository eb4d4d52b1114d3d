#include "loss/tile_kernels.hpp"
#include "loss/tile_passes.hpp"

namespace causalfm::loss {

const TileKernels& baseline_tile_kernels() {
  static constexpr TileKernels kernels = {
      "baseline", {accumulate<float>, differentiate<float>}, {accumulate<double>, differentiate<double>}};
  return kernels;
}

}  // namespace causalfm::loss
