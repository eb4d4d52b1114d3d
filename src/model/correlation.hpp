#pragma once

#include "model/instruction_set.hpp"

#include <cstdint>

// The inner loop of the depthwise convolution, for the instruction set that the including file, or the function, is
// compiled for.
namespace causalfm::model {
namespace {

struct Extent {
  int64_t width;    ///< channels of one step
  int64_t steps;    ///< of the signal
  int64_t taps;     ///< rows of `taps`
  int64_t outputs;  ///< rows of `out`
  int64_t before;   ///< zeros in front of the signal
};

/// out[i, c] += sum_j taps[j, c] signal[i + j - before, c] for one curve. With the kernel as taps this is the
/// convolution, with the kernel reversed its input gradient, with the output gradient as taps the weight gradient.
template <typename scalar>
struct Correlation {
  template <int64_t outputs, typename Vector>
  [[gnu::always_inline]] static inline void tile(const Vector* signal, const scalar* taps, const Extent& extent,
                                                 scalar* out) {
    Vector sums[outputs];
    for (int64_t i = 0; i < outputs; ++i) {
      __builtin_memcpy(&sums[i], out + i * extent.width, sizeof(Vector));
    }
    for (int64_t j = 0; j < extent.taps; ++j) {
      Vector tap;
      __builtin_memcpy(&tap, taps + j * extent.width, sizeof(Vector));
      for (int64_t i = 0; i < outputs; ++i) {
        sums[i] += tap * signal[i + j];
      }
    }
    for (int64_t i = 0; i < outputs; ++i) {
      __builtin_memcpy(out + i * extent.width, &sums[i], sizeof(Vector));
    }
  }

  /// `padded`: 64-byte aligned room for one lane group of the signal with zeros on both sides.
  template <int64_t bytes>
  [[gnu::always_inline]] static inline void run(VectorBytes<bytes>, const scalar* signal, const scalar* taps,
                                                scalar* out, scalar* padded, Extent extent) {
    // In an alias GCC 12 ignores attributes of a type that depends on the template.
    typedef scalar Vector __attribute__((vector_size(bytes), may_alias));  // NOLINT(modernize-use-using)
    constexpr int64_t lanes = bytes / static_cast<int64_t>(sizeof(scalar));
    auto* const vectors = reinterpret_cast<Vector*>(padded);
    __builtin_memset(padded, 0, (extent.outputs + extent.taps - 1) * bytes);
    for (int64_t channel = 0; channel < extent.width; channel += lanes) {
      for (int64_t t = 0; t < extent.steps; ++t) {
        __builtin_memcpy(&vectors[extent.before + t], signal + t * extent.width + channel, bytes);
      }
      const scalar* const group_taps = taps + channel;
      scalar* const group_out = out + channel;
      int64_t i = 0;
      for (; i + 8 <= extent.outputs; i += 8) {
        tile<8>(vectors + i, group_taps, extent, group_out + i * extent.width);
      }
      for (; i + 4 <= extent.outputs; i += 4) {
        tile<4>(vectors + i, group_taps, extent, group_out + i * extent.width);
      }
      for (; i < extent.outputs; ++i) {
        tile<1>(vectors + i, group_taps, extent, group_out + i * extent.width);
      }
    }
  }
};

}  // namespace
}  // namespace causalfm::model
