#include "simulation/kernels.hpp"

namespace causalfm::simulation {

std::vector<const Kernels*> supported_kernels() {
  std::vector<const Kernels*> supported;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
    supported.push_back(&avx512_kernels());
  }
  if (__builtin_cpu_supports("avx2")) {
    supported.push_back(&avx2_kernels());
  }
#endif
  supported.push_back(&baseline_kernels());
  return supported;
}

}  // namespace causalfm::simulation
