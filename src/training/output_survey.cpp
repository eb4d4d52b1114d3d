#include "training/output_survey.hpp"

#include "training/assembly.hpp"
#include "training/micro_batches.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

namespace causalfm::training {

void OutputSurvey::begin(int64_t first_row) {
  first_row_ = first_row;
  position_ = 0;
}

void OutputSurvey::observe(const std::string& name, const at::Tensor& output) {
  if (position_ == outputs_.size()) outputs_.push_back({.name = name});
  SurveyedOutput& surveyed = outputs_[position_++];
  surveyed.values += output.numel();
  const at::Tensor is_finite = output.isfinite();
  const at::Tensor finite = output.masked_select(is_finite);
  if (finite.numel() > 0) {
    surveyed.minimum = std::fmin(surveyed.minimum, finite.min().item<double>());
    surveyed.maximum = std::fmax(surveyed.maximum, finite.max().item<double>());
  }
  const int64_t non_finite = output.numel() - finite.numel();
  if (non_finite == 0) return;
  if (surveyed.non_finite == 0) {
    const at::Tensor rows = is_finite.flatten(1).all(1).logical_not();
    surveyed.first_row = first_row_ + rows.to(at::kByte).argmax().item<int64_t>();
  }
  surveyed.non_finite += non_finite;
}

OutputSurvey survey_outputs(const config::Config& settings, const model::CausalModel& model,
                            const data::LoadedStep& loaded, c10::Device device) {
  const at::NoGradGuard no_grad;
  const model::Curves curves = to_curves(loaded.batch, dtype_of(settings.train.precision), device);
  OutputSurvey survey;
  int64_t first = 0;
  for (const int64_t rows : rows_of_pieces(loaded, settings.train)) {
    const int64_t first_row = loaded.batch.first_row + first;
    const model::DropoutKey dropout{static_cast<uint64_t>(settings.seed), loaded.step, first_row};
    survey.begin(first_row);
    model.forward(rows_of(curves, first, rows), &dropout, &survey);
    first += rows;
  }
  return survey;
}

}  // namespace causalfm::training
