#include "training/step.hpp"

#include "causalfm/loss/objective.hpp"
#include "causalfm/training/error.hpp"
#include "causalfm/training/gradient_reduction.hpp"
#include "causalfm/training/schedule.hpp"
#include "training/assembly.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

namespace causalfm::training {

namespace {

loss::BatchIdentity identity_of(const data::LoadedStep& loaded, c10::Device device) {
  const data::GlobalIds& ids = loaded.global;
  return {ids.star_id.to(device), ids.instrument_id.to(device),
          ids.group_id.defined() ? ids.group_id.to(device) : at::Tensor(),
          ids.role.eq(static_cast<int64_t>(data::Role::anchor)).to(device), loaded.rows_of_rank};
}

void require_finite(const Losses& losses, double gradient_norm, int64_t step) {
  const struct {
    const char* name;
    double value;
  } parts[] = {{"reconstruction loss", losses.reconstruction},
               {"star loss", losses.star},
               {"instrument loss", losses.instrument},
               {"total loss", losses.total},
               {"gradient norm", gradient_norm}};
  for (const auto& part : parts) {
    if (!std::isfinite(part.value)) {
      throw NumericsError(
          fmt::format("step {}: the {} is {}; the last checkpoint is intact: lower train.learning_rate "
                      "or set train.gradient_clip, and look at the data",
                      step, part.name, part.value));
    }
  }
}

}  // namespace

model::Curves to_curves(const data::Batch& batch, at::ScalarType dtype, c10::Device device) {
  return {batch.flux.to(device, dtype), batch.time.to(device, dtype),
          batch.mask.defined() ? batch.mask.to(device) : at::Tensor()};
}

Step::Step(const config::Config& settings, model::CausalModel& model, Adam& optimizer, comm::Communicator& communicator,
           c10::Device device)
    : settings_(settings), model_(model), optimizer_(optimizer), communicator_(communicator), device_(device) {}

Step::Backward Step::backward(const data::LoadedStep& loaded) {
  const model::Curves curves = to_curves(loaded.batch, dtype_of(settings_.train.precision), device_);
  const model::DropoutKey dropout{static_cast<uint64_t>(settings_.seed), loaded.step, loaded.batch.first_row};
  model::Outputs outputs = model_.forward(curves, &dropout);

  const loss::Objective objective = loss::objective(
      {outputs.projection_star, outputs.projection_instrument, outputs.reconstructed, curves.flux, curves.mask},
      identity_of(loaded, device_), settings_.loss, communicator_);
  const at::Tensor flat_gradients = model_.parameters().flat_gradients();
  flat_gradients.zero_();
  objective.total_part.backward();
  reduce_gradients(flat_gradients, settings_.comm.bucket_mib, communicator_);

  const at::Tensor global = objective.global.to(at::kCPU, at::kDouble);
  const double* values = global.const_data_ptr<double>();
  const Losses losses{values[0], values[1], values[2], values[3]};
  const double gradient_norm = at::linalg_vector_norm(flat_gradients).item<double>();
  require_finite(losses, gradient_norm, loaded.step);

  for (at::Tensor* tensor : {&outputs.z_star, &outputs.z_instrument, &outputs.z_observation, &outputs.projection_star,
                             &outputs.projection_instrument, &outputs.reconstructed}) {
    if (tensor->defined()) *tensor = tensor->detach();
  }
  return {losses, outputs, gradient_norm};
}

double Step::update(int64_t step, double gradient_norm) {
  const double clip = settings_.train.gradient_clip;
  if (clip > 0 && gradient_norm > clip) model_.parameters().flat_gradients().mul_(clip / gradient_norm);
  const double rate = learning_rate_at(step, settings_.train);
  optimizer_.update(rate, step);
  return rate;
}

}  // namespace causalfm::training
