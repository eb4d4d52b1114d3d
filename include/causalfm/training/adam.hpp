#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/model/parameters.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::training {

/// Adam (Kingma & Ba 2015; beta 0.9 and 0.999, epsilon 1e-8) over the flat buffers of a model, as one fused pass.
/// Weight decay is added to the gradient (L2), as in the original. Local: every rank makes the same update.
class Adam {
 public:
  Adam(model::Parameters& parameters, const config::Train& settings);

  /// Updates the parameters from their gradients; `updates_done` is the number of updates before this one.
  void update(double learning_rate, int64_t updates_done);

  at::Tensor& first_moment() { return first_moment_; }    ///< [elements], laid out as Parameters::flat_values
  at::Tensor& second_moment() { return second_moment_; }  ///< [elements]

 private:
  model::Parameters& parameters_;
  double weight_decay_;
  at::Tensor first_moment_;
  at::Tensor second_moment_;
};

}  // namespace causalfm::training
