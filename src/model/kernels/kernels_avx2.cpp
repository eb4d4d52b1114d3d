#include "model/kernels/attention_passes.hpp"
#include "model/kernels/convolution_passes.hpp"
#include "model/kernels/feed_forward_passes.hpp"
#include "model/kernels/kernels.hpp"
#include "model/kernels/lstm_passes.hpp"
#include "model/kernels/norm_passes.hpp"

namespace causalfm::model {

const Kernels& avx2_kernels() {
  static constexpr Kernels kernels = {
      "avx2",       lanes, panel_columns, attention_kernels, lstm_kernels, convolution_kernels, feed_forward_kernels,
      norm_kernels, keep};
  return kernels;
}

}  // namespace causalfm::model
