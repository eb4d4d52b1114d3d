#pragma once

#include <cstdint>
#include <vector>

#include "causalfm/philox.hpp"

namespace causalfm::simulation {

/// Every array that a kernel reads or writes holds `padded(count)` elements; what lies beyond `count` is scratch.
inline constexpr int64_t kernel_granularity = 16;
constexpr int64_t padded(int64_t count) {
  return (count + kernel_granularity - 1) / kernel_granularity * kernel_granularity;
}

/// The simulator's inner loops for one instruction set. Elements never mix across lanes and no operation is fused, so
/// every instruction set gives the same bits.
struct Kernels {
  const char* instruction_set;

  /// `count` draws of stream `key` for `id`, uniform in [0, 1) with 53 bits. Draw 16 g + 8 j + l is the j-th pair of
  /// words of Philox block (id, 8 g + l), j = 0, 1.
  void (*uniforms)(PhiloxKey key, uint64_t id, int64_t count, double* values);

  /// `count` standard normal draws by Box and Muller (1958): with the two uniforms u, v of Philox block (id, 8 g + l),
  /// draw 16 g + l is sqrt(-2 ln(1 - u)) cos(2 pi v), draw 16 g + 8 + l the same with sin.
  void (*normals)(PhiloxKey key, uint64_t id, int64_t count, double* values);

  /// values[k] = k^exponent for k = 1 ... count - 1, values[0] = 0.
  void (*powers)(double exponent, int64_t count, double* values);

  double (*exponential)(double value);

  /// real + i imaginary = amplitude e^{i 2 pi turns}
  void (*polar)(const double* amplitude, const double* turns, int64_t count, double* real, double* imaginary);

  /// sum[t] = Re sum_{k=0}^{terms-1} (real_k + i imaginary_k) e^{i 2 pi k t / period}, t = 0 ... length - 1
  void (*harmonic_sum)(const double* real, const double* imaginary, int64_t terms, double period, int64_t length,
                       double* sum);

  /// clean[t] = clip[-1,1](scale[t] clean[t] + offset[t])
  void (*observe)(const double* scale, const double* offset, int64_t length, double* clean);

  /// flux[t] = clean[t] + deviation noise[t], rounded to float32; writes exactly `length` elements.
  void (*add_noise)(const double* clean, const double* noise, double deviation, int64_t length, float* flux);
};

/// Those that this processor can run, the fastest first.
std::vector<const Kernels*> supported_kernels();

const Kernels& baseline_kernels();
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();

}  // namespace causalfm::simulation
