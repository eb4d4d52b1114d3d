#include "model/kernels/all_passes.hpp"

namespace causalfm::model {

const Kernels& amx_kernels() {
  static constexpr Kernels kernels = kernels_named("amx", "avx512");
  return kernels;
}

}  // namespace causalfm::model
