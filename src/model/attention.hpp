#pragma once

#include "model/linear.hpp"
#include "model/sublayer.hpp"

#include <cstdint>

namespace causalfm::model {

/// Multi-head self-attention over time (Vaswani et al. 2017, arXiv 1706.03762), softmax(q k^T / sqrt(width / heads)) v
/// a head, then a Linear. Keys at masked steps get no weight.
/// Query, key and value are one product with `query_key_value/weight` [3 width, width]. There is no bias of the keys:
/// it would shift all scores of a query alike, its gradient is zero, and Adam would turn rounding noise into steps.
class Attention final : public Sublayer {
 public:
  Attention(const Scope& scope, int64_t width, int64_t heads);

  at::Tensor forward(const at::Tensor& input, const SequenceMask& mask) const override;
  std::unique_ptr<FusedSublayer> fused(const LayerNorm& norm) const override;

 private:
  int64_t heads_;
  Products products_;
  at::Tensor weight_;
  at::Tensor query_bias_;
  at::Tensor value_bias_;
  at::Tensor key_bias_;  ///< zeros, not a parameter
  Linear output_;
};

}  // namespace causalfm::model
