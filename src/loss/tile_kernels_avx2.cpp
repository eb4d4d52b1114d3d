#include "loss/tile_kernels.hpp"
#include "loss/tile_passes.hpp"

namespace causalfm::loss {

const TileKernels& avx2_tile_kernels() {
  static constexpr TileKernels kernels = {
      "avx2", {accumulate<float>, differentiate<float>}, {accumulate<double>, differentiate<double>}};
  return kernels;
}

}  // namespace causalfm::loss
