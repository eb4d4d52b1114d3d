#include "model/kernels/all_passes.hpp"

namespace causalfm::model {

const Kernels& avx512_bfloat16_kernels() {
  static constexpr Kernels kernels = kernels_named("avx512", "avx512");
  return kernels;
}

}  // namespace causalfm::model
