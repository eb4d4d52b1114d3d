#pragma once

#include "model/kernels/attention_passes.hpp"
#include "model/kernels/convolution_passes.hpp"
#include "model/kernels/feed_forward_passes.hpp"
#include "model/kernels/kernels.hpp"
#include "model/kernels/lstm_passes.hpp"
#include "model/kernels/norm_passes.hpp"

namespace causalfm::model {
namespace {

/// The kernels of the instruction set that the including file is compiled for.
constexpr Kernels kernels_named(const char* instruction_set) {
  return {instruction_set,      lanes,        panel_columns, attention_kernels, lstm_kernels, convolution_kernels,
          feed_forward_kernels, norm_kernels, keep};
}

}  // namespace
}  // namespace causalfm::model
