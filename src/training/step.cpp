#include "training/step.hpp"

#include "causalfm/comm/upload.hpp"
#include "causalfm/loss/objective.hpp"
#include "causalfm/training/schedule.hpp"
#include "training/assembly.hpp"
#include "training/micro_batches.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>
#include <vector>

namespace causalfm::training {

namespace {

loss::BatchIdentity identity_of(const data::LoadedStep& loaded, c10::Device device) {
  const data::GlobalIds& ids = loaded.global;
  return {comm::upload(ids.star_id, device), comm::upload(ids.instrument_id, device),
          comm::upload(ids.group_id, device), ids.role.eq(static_cast<int64_t>(data::Role::anchor)),
          loaded.rows_of_rank};
}

}  // namespace

std::optional<std::string> Step::Backward::not_finite() const {
  const struct {
    const char* name;
    double value;
  } parts[] = {{"reconstruction loss", losses.reconstruction},
               {"star loss", losses.star},
               {"instrument loss", losses.instrument},
               {"total loss", losses.total},
               {"gradient norm", gradient_norm}};
  for (const auto& part : parts) {
    if (std::isfinite(part.value)) continue;
    const char* value = std::isnan(part.value) ? "nan" : part.value > 0 ? "inf" : "-inf";
    return fmt::format("the {} is {}", part.name, value);
  }
  return {};
}

model::Curves to_curves(const data::Batch& batch, at::ScalarType dtype, c10::Device device) {
  return {comm::upload(batch.flux, device).to(dtype), comm::upload(batch.time, device).to(dtype),
          comm::upload(batch.mask, device)};
}

Step::Step(const config::Config& settings, model::CausalModel& model, Adam& optimizer, comm::Communicator& communicator,
           c10::Device device)
    : settings_(settings),
      model_(model),
      optimizer_(optimizer),
      communicator_(communicator),
      device_(device),
      reduction_(model.parameters(), settings.comm, communicator) {}

Step::ObjectiveGradient Step::differentiate(const model::Outputs& outputs, const model::Curves& curves,
                                            const data::LoadedStep& loaded, Profile* profile) {
  const Profile::Scope scope(profile, "loss");
  const auto leaf = [](const at::Tensor& output) {
    return output.defined() ? output.detach().requires_grad_() : output;
  };
  const loss::LocalOutputs leaves{leaf(outputs.projection_star), leaf(outputs.projection_instrument),
                                  leaf(outputs.reconstructed), curves.flux, curves.mask};
  const loss::Objective objective =
      loss::objective(leaves, identity_of(loaded, device_), settings_.loss, communicator_);
  objective.total_part.backward();

  const auto gradient_of = [](const at::Tensor& output) { return output.defined() ? output.grad() : output; };
  ObjectiveGradient found;
  found.at_outputs.projection_star = gradient_of(leaves.projection_star);
  found.at_outputs.projection_instrument = gradient_of(leaves.projection_instrument);
  found.at_outputs.reconstructed = gradient_of(leaves.reconstructed);
  found.losses = objective.global;
  return found;
}

Step::Backward Step::backward(const data::LoadedStep& loaded, Profile* profile) {
  const model::Curves curves = to_curves(loaded.batch, dtype_of(settings_.train.precision), device_);
  const model::DropoutKey dropout{static_cast<uint64_t>(settings_.seed), loaded.step, loaded.batch.first_row};
  MicroBatches pieces(model_, curves, dropout, rows_of_pieces(loaded, settings_.train), profile);
  const model::Outputs outputs = pieces.forward();
  const ObjectiveGradient gradient = differentiate(outputs, curves, loaded, profile);

  const at::Tensor flat_gradients = model_.parameters().flat_gradients();
  flat_gradients.zero_();
  pieces.backward(gradient.at_outputs, reduction_);
  const at::Tensor norm = at::linalg_vector_norm(flat_gradients).to(at::kDouble);
  // The step's only wait for a device, once all of its work is on the stream.
  const at::Tensor numbers = at::cat({gradient.losses, norm.unsqueeze(0)}).to(at::kCPU);
  communicator_.require_intact();
  const double* const values = numbers.const_data_ptr<double>();
  return {{values[0], values[1], values[2], values[3]}, outputs, values[4]};
}

double Step::learning_rate(int64_t step, const Recovery& recovery) const {
  return learning_rate_at(step, settings_.train) * recovery.rate_factor;
}

double Step::update(int64_t step, double gradient_norm, const Recovery& recovery, Profile* profile) {
  const Profile::Scope scope(profile, "optimizer");
  const double clip = settings_.train.gradient_clip;
  if (clip > 0 && gradient_norm > clip) model_.parameters().flat_gradients().mul_(clip / gradient_norm);
  const double rate = learning_rate(step, recovery);
  optimizer_.update(rate, step - recovery.skipped_steps);
  return rate;
}

}  // namespace causalfm::training
