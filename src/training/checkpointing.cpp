#include "training/checkpointing.hpp"

#include "causalfm/storage/error.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <string>

namespace causalfm::training {

namespace {

double number(const run::Checkpoint& checkpoint, const std::string& name) {
  const auto found = checkpoint.numbers.find(name);
  if (found == checkpoint.numbers.end()) {
    throw storage::StorageError(
        fmt::format("the checkpoint of step {} has no number '{}': it was not written by a "
                    "training of this version; choose another",
                    checkpoint.step, name));
  }
  return found->second;
}

/// The part of a flat buffer that belongs to one parameter.
at::Tensor part_of(const at::Tensor& flat, const model::Parameters::Entry& entry) {
  return flat.narrow(0, entry.offset, entry.value.numel()).view(entry.value.sizes());
}

}  // namespace

void store(const Progress& progress, model::CausalModel& model, Adam& optimizer, run::Checkpoint& checkpoint) {
  checkpoint.step = progress.step;
  checkpoint.best_value = progress.best_value;
  checkpoint.best_step = progress.best_step;
  checkpoint.validations_without_improvement = progress.validations_without_improvement;
  checkpoint.numbers = {{"model/length", static_cast<double>(model.scale().length)},
                        {"model/time_span", model.scale().span},
                        {"model/median_cadence", model.scale().median_cadence},
                        {"run/seconds", progress.seconds}};
  checkpoint.tensors.clear();
  for (const auto& entry : model.parameters().entries()) {
    checkpoint.tensors.emplace_back("model/" + entry.name, entry.value.detach());
  }
  for (const auto& entry : model.parameters().entries()) {
    const std::string prefix = "optimizer/" + entry.name;
    checkpoint.tensors.emplace_back(prefix + "/m", part_of(optimizer.first_moment(), entry));
    checkpoint.tensors.emplace_back(prefix + "/v", part_of(optimizer.second_moment(), entry));
  }
}

void restore_weights(const run::Checkpoint& checkpoint, model::CausalModel& model) {
  for (const auto& entry : model.parameters().entries()) {
    model.parameters().assign(entry.name, checkpoint.tensor("model/" + entry.name));
  }
}

Progress restore(const run::Checkpoint& checkpoint, model::CausalModel& model, Adam& optimizer) {
  const at::NoGradGuard no_grad;
  restore_weights(checkpoint, model);
  for (const auto& entry : model.parameters().entries()) {
    const std::string prefix = "optimizer/" + entry.name;
    part_of(optimizer.first_moment(), entry).copy_(checkpoint.tensor(prefix + "/m"));
    part_of(optimizer.second_moment(), entry).copy_(checkpoint.tensor(prefix + "/v"));
  }
  return {checkpoint.step, checkpoint.best_value, checkpoint.best_step, checkpoint.validations_without_improvement,
          number(checkpoint, "run/seconds")};
}

model::SequenceScale scale_of(const run::Checkpoint& checkpoint) {
  return {static_cast<int64_t>(number(checkpoint, "model/length")), number(checkpoint, "model/time_span"),
          number(checkpoint, "model/median_cadence")};
}

}  // namespace causalfm::training
