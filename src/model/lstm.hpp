#pragma once

#include "model/sublayer.hpp"

#include <cstdint>
#include <vector>

namespace causalfm::model {

/// One LSTM layer along time, width -> width, from a zero state (Hochreiter & Schmidhuber 1997); it sees zero at masked
/// steps. Gates in rows of `input/weight`, `hidden/weight` [4 width, width] and `bias` [4 width] in the order input,
/// forget, cell, output; all from U(-1/sqrt(width), 1/sqrt(width)). PyTorch's second bias adds nothing and is left out.
class Lstm final : public Sublayer {
 public:
  Lstm(const Scope& scope, int64_t width);

  at::Tensor forward(const at::Tensor& input, const SequenceMask& mask) const override;
  std::unique_ptr<FusedSublayer> fused(const LayerNorm& norm) const override;

 private:
  at::Tensor on_cpu(const at::Tensor& input) const;
  at::Tensor on_cuda(const at::Tensor& input) const;

  at::Tensor input_weight_;
  at::Tensor hidden_weight_;
  at::Tensor bias_;
  at::Tensor second_bias_;  ///< zeros, not a parameter
};

}  // namespace causalfm::model
