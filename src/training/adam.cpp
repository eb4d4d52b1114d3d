#include "causalfm/training/adam.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace causalfm::training {

Adam::Adam(model::Parameters& parameters, const config::Train& settings)
    : parameters_(parameters),
      weight_decay_(settings.weight_decay),
      first_moment_(at::zeros_like(parameters.flat_gradients())),
      second_moment_(at::zeros_like(parameters.flat_gradients())) {}

void Adam::update(double learning_rate, int64_t updates_done) {
  const at::NoGradGuard no_grad;
  // The fused operator counts from 1 and keeps its count in a float32 tensor.
  const at::Tensor count = at::full({}, static_cast<double>(updates_done + 1),
                                    parameters_.flat_values().options().dtype(at::kFloat).requires_grad(false));
  at::_fused_adam_({parameters_.flat_values().detach()}, {parameters_.flat_gradients()}, {first_moment_},
                   {second_moment_}, {}, {count}, learning_rate, 0.9, 0.999, weight_decay_, 1e-8, /*amsgrad=*/false,
                   /*maximize=*/false, {}, {});
}

}  // namespace causalfm::training
