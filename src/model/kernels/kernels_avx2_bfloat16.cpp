#include "model/kernels/all_passes.hpp"

namespace causalfm::model {

const Kernels& avx2_bfloat16_kernels() {
  static constexpr Kernels kernels = kernels_named("avx2", "avx2");
  return kernels;
}

}  // namespace causalfm::model
