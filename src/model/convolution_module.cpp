#include "model/convolution_module.hpp"

#include "model/fused/fused_sublayers.hpp"

#include "model/depthwise_convolution.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace causalfm::model {

ConvolutionModule::ConvolutionModule(const Scope& scope, int64_t width, int64_t kernel)
    : expand_(scope / "expand", width, 2 * width, scope.products()),
      norm_(scope / "norm", width),
      contract_(scope / "contract", width, width, scope.products()) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(kernel));
  depthwise_weight_ = scope.uniform("depthwise/weight", {kernel, width}, bound);
  depthwise_bias_ = scope.uniform("depthwise/bias", {width}, bound);
}

at::Tensor ConvolutionModule::forward(const at::Tensor& input, const SequenceMask& mask) const {
  const at::Tensor gated = mask.zero_masked(at::glu(expand_(input), -1));
  return contract_(at::silu(norm_(depthwise_convolution(gated, depthwise_weight_, depthwise_bias_))));
}

std::unique_ptr<FusedSublayer> ConvolutionModule::fused(const LayerNorm& norm) const {
  return fused_convolution(joined({norm.parameters(),
                                   expand_.parameters(),
                                   {depthwise_weight_, depthwise_bias_},
                                   norm_.parameters(),
                                   contract_.parameters()}));
}

}  // namespace causalfm::model
