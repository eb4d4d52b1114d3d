#include "causalfm/training/replay.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/model/stored.hpp"
#include "causalfm/training/error.hpp"
#include "training/assembly.hpp"
#include "training/non_finite_origin.hpp"
#include "training/output_survey.hpp"
#include "training/step.hpp"
#include "training/stored_batch.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

namespace causalfm::training {

namespace {

StoredBatch load(storage::FileSystem& file_system, const std::filesystem::path& file) {
  return decode_batch(file_system.read(file), file.string());
}

void require_same_model(const StoredBatch& batch, const config::Config& settings, const std::filesystem::path& file) {
  config::Model theirs = config::parse(batch.configuration, file.string()).model;
  theirs.dropout = settings.model.dropout;
  if (theirs == settings.model) return;
  throw TrainingError(fmt::format(
      "--replay {}: its model is not the one of this configuration: leave the configuration out, or give section model "
      "the values that the file's attribute `configuration` holds",
      file.string()));
}

/// Three names deep at most, without the parameter's own: encoder_star/block0/attention, encoder_star/embed.
std::string group_of(const std::string& parameter) {
  size_t end = 0;
  for (int depth = 0; depth < 3; ++depth) {
    const size_t next = parameter.find('/', end == 0 ? 0 : end + 1);
    if (next == std::string::npos) break;
    end = next;
  }
  return parameter.substr(0, end);
}

std::vector<Replay::Gradient> gradients_of(const model::Parameters& parameters) {
  std::vector<Replay::Gradient> groups;  // `norm` is its square until the end
  for (const auto& entry : parameters.entries()) {
    const std::string group = group_of(entry.name);
    if (groups.empty() || groups.back().group != group) groups.push_back({.group = group});
    const at::Tensor gradient = entry.value.grad().to(at::kDouble);
    groups.back().norm += gradient.square().sum().item<double>();
    groups.back().non_finite += gradient.isfinite().logical_not().sum().item<int64_t>();
  }
  for (Replay::Gradient& group : groups) group.norm = std::sqrt(group.norm);
  return groups;
}

}  // namespace

std::string configuration_of_batch(storage::FileSystem& file_system, const std::filesystem::path& file) {
  return load(file_system, file).configuration;
}

Replay replay(const std::filesystem::path& file, const config::Config& settings, const Host& host) {
  if (host.communicator.world_size() != 1) {
    throw TrainingError(
        fmt::format("--replay {}: a step is repeated by one process: leave mpirun or srun out", file.string()));
  }
  const StoredBatch batch = load(host.file_system, file);
  require_same_model(batch, settings, file);
  const auto number = [&](const std::string& name) { return batch.numbers.at(name); };
  model::CausalModel model = make_model(settings, model::to_scale(number), host.device);
  model::assign_all(model.parameters(), [&](const std::string& name) { return batch.parameter(name); });

  Adam optimizer(model.parameters(), settings.train);
  Step step(settings, model, optimizer, host.communicator, host.device);
  const OutputSurvey survey = survey_outputs(settings, model, batch.loaded, host.device);
  const Step::Backward backward = step.backward(batch.loaded);

  Replay result;
  result.step = batch.loaded.step;
  result.rows = batch.loaded.batch.global_rows;
  for (const SurveyedOutput& output : survey.outputs()) {
    result.outputs.push_back({output.name, output.minimum, output.maximum, output.values, output.non_finite});
  }
  result.losses = {{"total", backward.losses.total},
                   {"reconstruction", backward.losses.reconstruction},
                   {"star", backward.losses.star},
                   {"instrument", backward.losses.instrument}};
  result.gradients = gradients_of(model.parameters());
  result.gradient_norm = backward.gradient_norm;
  if (const auto found = backward.not_finite()) {
    result.found =
        *found + ", " +
        non_finite_origin(survey, model.parameters(), backward, batch.loaded, settings.loss, host.communicator);
  }
  return result;
}

}  // namespace causalfm::training
