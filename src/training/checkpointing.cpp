#include "training/checkpointing.hpp"

#include "causalfm/model/stored.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <string>

namespace causalfm::training {

namespace {

constexpr const char* skipped_steps = "run/skipped_steps";
constexpr const char* skipped_in_a_row = "run/skipped_in_a_row";
constexpr const char* rate_factor = "run/rate_factor";

/// Of a run that has met nothing but finite steps where the checkpoint is from before there was an answer to others.
Recovery recovery_of(const run::Checkpoint& checkpoint) {
  if (!checkpoint.numbers.contains(rate_factor)) return {};
  return {static_cast<int64_t>(checkpoint.number(skipped_steps)),
          static_cast<int64_t>(checkpoint.number(skipped_in_a_row)), checkpoint.number(rate_factor)};
}

/// The part of a flat buffer that belongs to one parameter.
at::Tensor part_of(const at::Tensor& flat, const model::Parameters::Entry& entry) {
  return flat.narrow(0, entry.offset, entry.value.numel()).view(entry.value.sizes());
}

at::Tensor copy_of(const at::Tensor& flat) {
  return flat.detach().to(flat.options().device(at::kCPU), /*non_blocking=*/false, /*copy=*/true);
}

}  // namespace

void store(const Progress& progress, model::CausalModel& model, Adam& optimizer, run::Checkpoint& checkpoint) {
  checkpoint.step = progress.step;
  checkpoint.best_value = progress.best_value;
  checkpoint.best_step = progress.best_step;
  checkpoint.validations_without_improvement = progress.validations_without_improvement;
  checkpoint.numbers = model::to_numbers(model.scale());
  checkpoint.numbers["run/seconds"] = progress.seconds;
  checkpoint.numbers[skipped_steps] = static_cast<double>(progress.recovery.skipped_steps);
  checkpoint.numbers[skipped_in_a_row] = static_cast<double>(progress.recovery.skipped_in_a_row);
  checkpoint.numbers[rate_factor] = progress.recovery.rate_factor;
  const at::Tensor values = copy_of(model.parameters().flat_values());
  const at::Tensor first_moment = copy_of(optimizer.first_moment());
  const at::Tensor second_moment = copy_of(optimizer.second_moment());
  checkpoint.tensors.clear();
  for (const auto& entry : model.parameters().entries()) {
    checkpoint.tensors.emplace_back(model::stored_name(entry), part_of(values, entry));
  }
  for (const auto& entry : model.parameters().entries()) {
    const std::string prefix = "optimizer/" + entry.name;
    checkpoint.tensors.emplace_back(prefix + "/m", part_of(first_moment, entry));
    checkpoint.tensors.emplace_back(prefix + "/v", part_of(second_moment, entry));
  }
}

int64_t checkpoint_bytes(const model::CausalModel& model) {
  constexpr int64_t values_and_moments = 3;
  const at::Tensor& values = model.parameters().flat_values();
  return values_and_moments * model.parameters().count() * static_cast<int64_t>(values.element_size());
}

void restore_weights(const run::Checkpoint& checkpoint, model::CausalModel& model) {
  model::assign_all(model.parameters(), [&](const std::string& name) { return checkpoint.tensor(name); });
}

Progress restore(const run::Checkpoint& checkpoint, model::CausalModel& model, Adam& optimizer) {
  const at::NoGradGuard no_grad;
  restore_weights(checkpoint, model);
  for (const auto& entry : model.parameters().entries()) {
    const std::string prefix = "optimizer/" + entry.name;
    part_of(optimizer.first_moment(), entry).copy_(checkpoint.tensor(prefix + "/m"));
    part_of(optimizer.second_moment(), entry).copy_(checkpoint.tensor(prefix + "/v"));
  }
  return {checkpoint.step,
          checkpoint.best_value,
          checkpoint.best_step,
          checkpoint.validations_without_improvement,
          checkpoint.number("run/seconds"),
          recovery_of(checkpoint)};
}

model::SequenceScale scale_of(const run::Checkpoint& checkpoint) {
  return model::to_scale([&](const std::string& name) { return checkpoint.number(name); });
}

}  // namespace causalfm::training
