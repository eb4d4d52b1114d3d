#include "model/attention.hpp"

#include "model/fused/fused_sublayers.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace causalfm::model {

Attention::Attention(const Scope& scope, int64_t width, int64_t heads)
    : heads_(heads), products_(scope.products()), output_(scope / "output", width, width, products_) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(width));
  weight_ = scope.uniform("query_key_value/weight", {3 * width, width}, bound);
  query_bias_ = scope.uniform("query/bias", {width}, bound);
  value_bias_ = scope.uniform("value/bias", {width}, bound);
  key_bias_ = at::zeros({width}, scope.options());
}

at::Tensor Attention::forward(const at::Tensor& input, const SequenceMask& mask) const {
  const int64_t batch = input.size(0), time = input.size(1), width = input.size(2);
  const at::Tensor bias = at::cat({query_bias_, key_bias_, value_bias_});
  // On the CPU LibTorch's attention of bfloat16 is slower than that of float32; on a GPU it is what uses tensor cores.
  const bool rounds = products_ == Products::bfloat16 && input.is_cuda();
  const auto projected = linear(input, weight_, bias, products_)
                             .view({batch, time, 3, heads_, width / heads_})
                             .permute({2, 0, 3, 1, 4})
                             .to(rounds ? at::kBFloat16 : input.scalar_type())
                             .unbind(0);
  std::optional<at::Tensor> key_scores;
  if (mask.key_scores().defined()) {
    key_scores = mask.key_scores().to(projected[0].scalar_type()).expand({batch, 1, time, time});
  }
  const at::Tensor mixed = at::scaled_dot_product_attention(projected[0], projected[1], projected[2], key_scores);
  return output_(mixed.transpose(1, 2).reshape({batch, time, width}));
}

std::unique_ptr<FusedSublayer> Attention::fused(const LayerNorm& norm) const {
  return fused_attention(joined({norm.parameters(), {weight_, query_bias_, value_bias_}, output_.parameters()}),
                         heads_);
}

}  // namespace causalfm::model
