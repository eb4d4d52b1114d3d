#include "model/sequence_mask.hpp"

#include <ATen/ATen.h>

#include <limits>

namespace causalfm::model {

SequenceMask::SequenceMask(const at::Tensor& observed, at::ScalarType dtype) {
  const at::Tensor steps = observed.to(dtype);
  steps_ = steps.unsqueeze(2);
  mean_weights_ = (steps / steps.sum(1, true).clamp_min(1)).unsqueeze(1);
  const at::Tensor hidden = at::logical_and(observed.logical_not(), observed.any(1, true));
  key_scores_ =
      at::zeros_like(steps).masked_fill_(hidden, -std::numeric_limits<double>::infinity()).unsqueeze(1).unsqueeze(1);
}

at::Tensor SequenceMask::zero_masked(const at::Tensor& input) const {
  return steps_.defined() ? input * steps_ : input;
}

at::Tensor SequenceMask::mean(const at::Tensor& input) const {
  return mean_weights_.defined() ? at::bmm(mean_weights_, input).squeeze(1) : input.mean(1);
}

}  // namespace causalfm::model
