#include "training/non_finite_origin.hpp"

#include "training/gather_rows.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

namespace causalfm::training {

namespace {

bool is_finite(const at::Tensor& tensor) { return tensor.isfinite().all().item<bool>(); }

std::optional<std::string> in_parameters(const model::Parameters& parameters) {
  std::string first;
  int64_t count = 0;
  for (const auto& entry : parameters.entries()) {
    if (is_finite(entry.value.detach())) continue;
    if (count++ == 0) first = entry.name;
  }
  if (count == 0) return {};
  return fmt::format("parameter {} is not finite since the update before ({} of {} parameters are not)", first, count,
                     parameters.entries().size());
}

std::optional<std::string> in_outputs(const OutputSurvey& survey, const data::LoadedStep& loaded,
                                      comm::Communicator& communicator) {
  constexpr int64_t none = std::numeric_limits<int64_t>::max();
  const std::vector<SurveyedOutput>& outputs = survey.outputs();
  const at::Tensor own = at::full({1, 2}, none, at::kLong);  // place in the order of computation, row
  for (size_t place = 0; place < outputs.size(); ++place) {
    if (outputs[place].non_finite == 0) continue;
    own[0][0] = static_cast<int64_t>(place);
    own[0][1] = outputs[place].first_row;
    break;
  }
  const at::Tensor all =
      gather_rows(own, std::vector<int64_t>(communicator.world_size(), 1), communicator);  // equal on every rank
  int64_t place = none, row = none, rank = 0;
  for (int64_t other = 0; other < communicator.world_size(); ++other) {
    const int64_t its_place = all[other][0].item<int64_t>();
    if (its_place >= place) continue;  // of equal places the lowest rank has the lowest rows
    place = its_place, row = all[other][1].item<int64_t>(), rank = other;
  }
  if (place == none) return {};
  const auto id = [&](const at::Tensor& ids) { return ids[row].item<int64_t>(); };
  return fmt::format("first seen in {}, on rank {} in row {} of the batch (observation {}, star {}, instrument {})",
                     outputs[static_cast<size_t>(place)].name, rank, row, id(loaded.global.observation_id),
                     id(loaded.global.star_id), id(loaded.global.instrument_id));
}

std::optional<std::string> in_losses(const Losses& losses, const config::Loss& settings) {
  if (!std::isfinite(losses.star)) {
    return fmt::format("while every output is finite, at loss.temperature {}", settings.temperature);
  }
  if (!std::isfinite(losses.instrument)) {
    return fmt::format("while every output is finite, at loss.instrument_temperature {}",
                       settings.instrument_temperature);
  }
  if (!std::isfinite(losses.total)) return "while every output is finite";
  return {};
}

/// Backward finds gradients from the last parameter to the first, by and large.
std::string in_gradients(const model::Parameters& parameters) {
  std::string first;
  int64_t count = 0;
  for (auto entry = parameters.entries().rbegin(); entry != parameters.entries().rend(); ++entry) {
    if (is_finite(entry->value.grad())) continue;
    if (count++ == 0) first = entry->name;
  }
  if (count == 0) return "while every output, loss and gradient is finite: squares of gradients overflow";
  return fmt::format(
      "while every output and loss is finite: {} of {} gradients are not, first in the order of backward that of {}",
      count, parameters.entries().size(), first);
}

}  // namespace

std::string non_finite_origin(const OutputSurvey& survey, const model::Parameters& parameters,
                              const Step::Backward& backward, const data::LoadedStep& loaded,
                              const config::Loss& settings, comm::Communicator& communicator) {
  // Parameters are equal on every rank, so that all of them go this way or none.
  if (const auto parameter = in_parameters(parameters)) return *parameter;
  if (const auto output = in_outputs(survey, loaded, communicator)) return *output;
  if (const auto losses = in_losses(backward.losses, settings)) return *losses;
  return in_gradients(parameters);
}

}  // namespace causalfm::training
