#include "loss/tile_kernels.hpp"

namespace causalfm::loss {

std::vector<const TileKernels*> supported_tile_kernels() {
  std::vector<const TileKernels*> supported;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
    supported.push_back(&avx512_tile_kernels());
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    supported.push_back(&avx2_tile_kernels());
  }
#endif
  supported.push_back(&baseline_tile_kernels());
  return supported;
}

}  // namespace causalfm::loss
