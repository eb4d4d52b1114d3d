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

std::vector<at::Tensor> Lstm::weights(bool together) const {
  const std::vector<at::Tensor> weights{input_weight_, hidden_weight_, bias_, second_bias_};
  if (!together) return weights;
  std::vector<at::Tensor> flat;
  for (const at::Tensor& weight : weights) flat.push_back(weight.reshape(-1));
  const at::Tensor buffer = at::cat(flat);
  std::vector<at::Tensor> views;
  int64_t start = 0;
  for (const at::Tensor& weight : weights) {
    views.push_back(buffer.narrow(0, start, weight.numel()).view(weight.sizes()));
    start += weight.numel();
  }
  return views;
}

at::Tensor Lstm::forward(const at::Tensor& input, const SequenceMask& mask) const {
  const at::Tensor state = at::zeros({1, input.size(0), input.size(2)}, input.options());
  // `train` makes oneDNN keep what backward needs.
  const bool train = at::GradMode::is_enabled();
  return std::get<0>(at::lstm(mask.zero_masked(input), {state, state}, weights(/*together=*/input.is_cuda()), true, 1,
                              0.0, train, false, true));
}

std::unique_ptr<FusedSublayer> Lstm::fused(const LayerNorm& norm) const {
  return fused_lstm(joined({norm.parameters(), {input_weight_, hidden_weight_, bias_}}));
}

}  // namespace causalfm::model
