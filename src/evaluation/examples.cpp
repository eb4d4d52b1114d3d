#include "evaluation/examples.hpp"

#include "causalfm/data/index.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

namespace causalfm::evaluation {

namespace {

constexpr int64_t shown_curves = 6;

ExampleCurves show(const TrainedModel& trained, const data::Source& source, const std::vector<int64_t>& rows) {
  const at::NoGradGuard no_grad;
  const model::Curves curves =
      read_curves(source, rows, dtype_of(trained.model), trained.model.parameters().options().device());
  ExampleCurves shown;
  shown.rows = rows;
  shown.flux = curves.flux.to(at::kCPU, at::kFloat);
  shown.mask = curves.mask.defined() ? curves.mask.to(at::kCPU, at::kByte) : at::ones_like(shown.flux, at::kByte);
  shown.time = curves.time.to(at::kCPU, at::kFloat).expand_as(shown.flux).contiguous();
  shown.reconstructed = trained.model.forward(curves).reconstructed.to(at::kCPU, at::kFloat);
  return shown;
}

std::vector<int64_t> at_error_quantiles(const Cohort& test, const at::Tensor& errors) {
  std::vector<int64_t> rows = test.rows;
  const float* error = errors.const_data_ptr<float>();
  std::erase_if(rows, [&](int64_t row) { return !std::isfinite(error[row]); });
  std::ranges::stable_sort(rows, {}, [&](int64_t row) { return error[row]; });
  std::vector<int64_t> chosen;
  const auto last = static_cast<int64_t>(rows.size()) - 1;
  for (int64_t i = 0; i < std::min<int64_t>(shown_curves, last + 1); ++i) {
    // Not the very ends: they show the luckiest and the oddest curve.
    const double quantile = 0.05 + 0.9 * static_cast<double>(i) / static_cast<double>(shown_curves - 1);
    chosen.push_back(rows[static_cast<size_t>(std::lround(quantile * static_cast<double>(last)))]);
  }
  return chosen;
}

std::optional<ExampleCurves> first_triplet(const TrainedModel& trained, const data::Source& source,
                                           const Cohort& test) {
  const data::TripletIndex index(source.observations(), test.rows);
  if (index.triplet_anchors().empty()) return {};
  const int64_t anchor = index.triplet_anchors().front();
  return show(trained, source, {anchor, index.same_star(anchor, 0), index.same_instrument(anchor, 0)});
}

/// Every so many-th pair.
std::vector<int64_t> spread_over(size_t pairs) {
  std::vector<int64_t> chosen;
  const auto count = std::min<int64_t>(shown_curves, static_cast<int64_t>(pairs));
  for (int64_t i = 0; i < count; ++i) chosen.push_back(i * static_cast<int64_t>(pairs) / count);
  return chosen;
}

}  // namespace

Examples choose_examples(const TrainedModel& trained, const data::Source& source, const Cohort& test,
                         const Latents& latents, const SwapPairs& pairs, const SwapCurves& curves) {
  Examples examples;
  examples.triplet = first_triplet(trained, source, test);
  examples.reconstruction = show(trained, source, at_error_quantiles(test, latents.reconstruction_error));
  if (pairs.a.empty()) return examples;
  const std::vector<int64_t> chosen = spread_over(pairs.a.size());
  std::vector<int64_t> rows;
  for (const int64_t pair : chosen) {
    rows.push_back(pairs.a[static_cast<size_t>(pair)]);
    examples.other_instrument.push_back(source.observations().instrument_id[pairs.b[static_cast<size_t>(pair)]]);
  }
  examples.counterfactual = show(trained, source, rows);
  const at::Tensor places = at::tensor(chosen, at::kLong);
  examples.swap = {curves.swapped.index_select(0, places), curves.truth.index_select(0, places),
                   curves.unchanged.index_select(0, places), curves.own_truth.index_select(0, places)};
  return examples;
}

}  // namespace causalfm::evaluation
