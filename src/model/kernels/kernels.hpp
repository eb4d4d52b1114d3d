#pragma once

#include "model/kernels/attention.hpp"
#include "model/kernels/convolution.hpp"
#include "model/kernels/feed_forward.hpp"
#include "model/kernels/lstm.hpp"
#include "model/kernels/norm.hpp"

#include <cstdint>
#include <vector>

namespace causalfm::model {

/// The residual sublayers in float32 for one instruction set.
struct Kernels {
  const char* instruction_set;
  int64_t lanes;          ///< of a vector
  int64_t panel_columns;  ///< of the panels of an Affine

  AttentionKernels attention;
  LstmKernels lstm;
  ConvolutionKernels convolution;
  FeedForwardKernels feed_forward;
  NormKernels norm;

  /// Copies past the caches what is not read before backward. @param count a multiple of 16, to a 64-byte boundary
  void (*keep)(int64_t count, const float* from, float* to);
};

/// Those that this processor can run, the fastest first; none on a processor without AVX2.
std::vector<const Kernels*> supported_kernels();

const Kernels& avx2_kernels();
const Kernels& avx512_kernels();

}  // namespace causalfm::model
