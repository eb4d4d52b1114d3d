#include "app/arithmetic.hpp"

#include <ATen/Context.h>
#include <c10/util/env.h>

namespace causalfm::app {

void set_gpu_arithmetic(bool deterministic) {
  at::Context& context = at::globalContext();
  context.setAllowTF32CuDNN(false);
  if (!deterministic) return;
  // The only way to tell cuBLAS, which reads it at the first use of a GPU.
  c10::utils::set_env("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/false);
  context.setDeterministicCuDNN(true);
  context.setDeterministicAlgorithms(true, /*warn_only=*/false);
  // Would fill every new tensor with NaN, to no avail where all are written before they are read.
  context.setDeterministicFillUninitializedMemory(false);
}

}  // namespace causalfm::app
