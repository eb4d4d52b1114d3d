#include "model/lstm.hpp"

#include "model/fused/fused_sublayers.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <vector>

namespace causalfm::model {

Lstm::Lstm(const Scope& scope, int64_t width) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(width));
  input_weight_ = scope.uniform("input/weight", {4 * width, width}, bound);
  hidden_weight_ = scope.uniform("hidden/weight", {4 * width, width}, bound);
  bias_ = scope.uniform("bias", {4 * width}, bound);
  second_bias_ = at::zeros({4 * width}, scope.options());
}

at::Tensor Lstm::on_cpu(const at::Tensor& input) const {
  const at::Tensor state = at::zeros({1, input.size(0), input.size(2)}, input.options());
  // `train` makes oneDNN keep what backward needs.
  const bool train = at::GradMode::is_enabled();
  return std::get<0>(at::lstm(input, {state, state}, {input_weight_, hidden_weight_, bias_, second_bias_},
                              /*has_biases=*/true, 1, 0.0, train, false, /*batch_first=*/true));
}

/// The bias is the weight of inputs that are 1, for cuDNN takes 40 % of backward for the gradient of one of its own.
/// The weights lie in one piece of memory, which cuDNN else makes of them with a warning a call.
at::Tensor Lstm::on_cuda(const at::Tensor& input) const {
  constexpr int64_t ones = 4;  // one with a weight; rows stay aligned
  const int64_t width = input.size(2), gates = bias_.size(0), inputs = width + ones;
  const at::Tensor bias = at::constant_pad_nd(bias_.unsqueeze(1), {0, ones - 1});
  const at::Tensor buffer = at::cat({at::cat({input_weight_, bias}, 1).view(-1), hidden_weight_.view(-1)});
  const std::vector<at::Tensor> weights{buffer.narrow(0, 0, gates * inputs).view({gates, inputs}),
                                        buffer.narrow(0, gates * inputs, gates * width).view({gates, width})};
  const at::Tensor state = at::zeros({1, input.size(0), width}, input.options());
  return std::get<0>(at::lstm(at::constant_pad_nd(input, {0, ones}, 1.0), {state, state}, weights,
                              /*has_biases=*/false, 1, 0.0, at::GradMode::is_enabled(), false, /*batch_first=*/true));
}

at::Tensor Lstm::forward(const at::Tensor& input, const SequenceMask& mask) const {
  const at::Tensor seen = mask.zero_masked(input);
  return seen.is_cuda() ? on_cuda(seen) : on_cpu(seen);
}

std::unique_ptr<FusedSublayer> Lstm::fused(const LayerNorm& norm) const {
  return fused_lstm(joined({norm.parameters(), {input_weight_, hidden_weight_, bias_}}));
}

}  // namespace causalfm::model
