#include "simulation/draws.hpp"
#include "simulation/harmonics.hpp"
#include "simulation/kernels.hpp"
#include "simulation/observing.hpp"

namespace causalfm::simulation {

const Kernels& avx2_kernels() {
  static constexpr Kernels kernels = {"avx2", uniforms,     normals, powers,   exponential_of_one,
                                      polar,  harmonic_sum, observe, add_noise};
  return kernels;
}

}  // namespace causalfm::simulation
