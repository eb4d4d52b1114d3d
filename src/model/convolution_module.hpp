#pragma once

#include "model/layer_norm.hpp"
#include "model/linear.hpp"
#include "model/sublayer.hpp"

#include <cstdint>

namespace causalfm::model {

/// The Conformer's convolution (Gulati et al. 2020, arXiv 2005.08100): Linear width -> 2 width, GLU, depthwise
/// convolution along time, norm, SiLU, Linear. LayerNorm in the place of BatchNorm; masked steps count as zero, as the
/// steps beyond the ends do. The depthwise kernel is `depthwise/weight` [kernel, width], `depthwise/bias` [width].
class ConvolutionModule final : public Sublayer {
 public:
  ConvolutionModule(const Scope& scope, int64_t width, int64_t kernel);

  at::Tensor forward(const at::Tensor& input, const SequenceMask& mask) const override;
  std::unique_ptr<FusedSublayer> fused(const LayerNorm& norm) const override;

 private:
  Linear expand_;
  at::Tensor depthwise_weight_;
  at::Tensor depthwise_bias_;
  LayerNorm norm_;
  Linear contract_;
};

}  // namespace causalfm::model
