#include "evaluation/swap.hpp"

#include "causalfm/data/counterfactual.hpp"
#include "evaluation/random_draws.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <map>

namespace causalfm::evaluation {

namespace {

/// Curves decoded at once: bounds memory.
constexpr int64_t chunk_rows = 2048;

at::Tensor select(const at::Tensor& latent, const at::Tensor& rows, const model::CausalModel& model) {
  if (!latent.defined()) return {};
  return latent.index_select(0, rows).to(model.parameters().flat_values().options());
}

at::Tensor decode(const TrainedModel& trained, const Latents& latents, const std::vector<int64_t>& star_rows,
                  const std::vector<int64_t>& instrument_rows) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> curves;
  const at::Tensor star = at::tensor(star_rows, at::kLong);
  const at::Tensor instrument = at::tensor(instrument_rows, at::kLong);
  for (int64_t first = 0; first < star.numel(); first += chunk_rows) {
    const int64_t count = std::min(chunk_rows, star.numel() - first);
    const at::Tensor of_star = star.narrow(0, first, count);
    curves.push_back(trained.model
                         .decode(select(latents.z_star, of_star, trained.model),
                                 select(latents.z_instrument, instrument.narrow(0, first, count), trained.model),
                                 select(latents.z_observation, of_star, trained.model))
                         .to(at::kCPU, at::kFloat));
  }
  return at::cat(curves);
}

at::Tensor noiseless(const data::Source& source, const std::vector<int64_t>& rows,
                     const std::vector<int64_t>& instrument_rows) {
  std::vector<int64_t> instruments;
  instruments.reserve(instrument_rows.size());
  for (const int64_t row : instrument_rows) instruments.push_back(source.observations().instrument_id[row]);
  const std::vector<float> flux = data::noiseless_curves(source, rows, instruments);
  return at::tensor(flux, at::kFloat).view({static_cast<int64_t>(rows.size()), source.length()});
}

double mean_squared_error(const at::Tensor& curves, const at::Tensor& truth) {
  return (curves.to(at::kDouble) - truth.to(at::kDouble)).square().mean().item<double>();
}

}  // namespace

SwapPairs draw_swap_pairs(const Cohort& cohort, uint64_t seed) {
  std::map<int64_t, std::vector<size_t>> by_instrument;
  for (size_t i = 0; i < cohort.rows.size(); ++i) by_instrument[cohort.instrument_id[i]].push_back(i);
  SwapPairs pairs;
  for (size_t i = 0; i < cohort.rows.size(); ++i) {
    RandomDraws draws(seed, static_cast<uint64_t>(cohort.observation_id[i]));
    std::vector<const std::vector<size_t>*> others;
    for (const auto& [instrument, members] : by_instrument) {
      if (instrument != cohort.instrument_id[i]) others.push_back(&members);
    }
    if (others.empty()) continue;
    const std::vector<size_t>& members = *others[static_cast<size_t>(draws.integer(std::ssize(others)))];
    const auto start = static_cast<size_t>(draws.integer(std::ssize(members)));
    // The first curve of another star from the drawn place on.
    for (size_t tried = 0; tried < members.size(); ++tried) {
      const size_t candidate = members[(start + tried) % members.size()];
      if (cohort.star_of_row[candidate] == cohort.star_of_row[i]) continue;
      pairs.a.push_back(cohort.rows[i]);
      pairs.b.push_back(cohort.rows[candidate]);
      break;
    }
  }
  return pairs;
}

SwapCurves swap_curves(const TrainedModel& trained, const data::Source& source, const Latents& latents,
                       const SwapPairs& pairs) {
  return {decode(trained, latents, pairs.a, pairs.b), noiseless(source, pairs.a, pairs.b),
          decode(trained, latents, pairs.a, pairs.a), noiseless(source, pairs.a, pairs.a)};
}

SwapErrors swap_errors(const TrainedModel& trained, const SwapCurves& curves, const data::Source& source) {
  const at::NoGradGuard no_grad;
  const at::TensorOptions options = trained.model.parameters().flat_values().options();
  const at::Tensor time = at::tensor(source.description().shared_time, at::kFloat).to(options);
  std::vector<at::Tensor> seen;
  for (int64_t first = 0; first < curves.truth.size(0); first += chunk_rows) {
    const int64_t count = std::min(chunk_rows, curves.truth.size(0) - first);
    const model::Curves input{curves.truth.narrow(0, first, count).to(options), time, at::Tensor()};
    seen.push_back(trained.model.forward(input).reconstructed.to(at::kCPU, at::kFloat));
  }
  SwapErrors errors;
  errors.swap = mean_squared_error(curves.swapped, curves.truth);
  errors.no_swap = mean_squared_error(curves.unchanged, curves.own_truth);
  errors.oracle = mean_squared_error(at::cat(seen), curves.truth);
  errors.unchanged = mean_squared_error(curves.unchanged, curves.truth);
  return errors;
}

}  // namespace causalfm::evaluation
