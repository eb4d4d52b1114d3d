#include "model/kernels/kernels.hpp"

namespace causalfm::model {

std::vector<const Kernels*> supported_kernels() {
  std::vector<const Kernels*> supported;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) supported.push_back(&avx512_kernels());
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) supported.push_back(&avx2_kernels());
#endif
  return supported;
}

}  // namespace causalfm::model
