#include "evaluation/probes.hpp"

#include "evaluation/linear_fits.hpp"
#include "evaluation/metrics.hpp"
#include "evaluation/perceptron_fits.hpp"

#include <ATen/ATen.h>

#include <set>
#include <span>

namespace causalfm::evaluation {

namespace {

/// Curves with what is to be read from them.
struct ProbedCurves {
  at::Tensor rows;   ///< [n] rows of the source
  at::Tensor truth;  ///< [n] int64 classes or float64
};

/// Predictions of classes become the class.
at::Tensor decided(const at::Tensor& predicted, int64_t classes) {
  return classes == 0 ? predicted : predicted.argmax(1);
}

double score(const at::Tensor& truth, const at::Tensor& decision, int64_t classes) {
  return classes == 0 ? r2(truth, decision) : balanced_accuracy(truth, decision);
}

Probe probe(const Representation& representation, const ProbedCurves& training, const at::Tensor& stars,
            const ProbedCurves& test, int64_t classes, uint64_t seed) {
  const at::Tensor features = representation.features.index_select(0, training.rows);
  const at::Tensor queries = representation.features.index_select(0, test.rows);
  const at::Tensor linear = decided(classes == 0 ? fit_ridge(features, training.truth, queries)
                                                 : fit_logistic(features, training.truth, classes, queries),
                                    classes);
  const PerceptronFit fit{representation.features, training.rows, stars, training.truth, classes, test.rows, seed};
  const at::Tensor mlp = decided(fit_perceptrons(std::span(&fit, 1)).front(), classes);
  return {representation.name, score(test.truth, linear, classes), score(test.truth, mlp, classes),
          linear.to(at::kDouble), mlp.to(at::kDouble)};
}

/// The curves of a cohort whose instrument is among `known`, and which one it is.
std::pair<ProbedCurves, at::Tensor> instruments_of(const Cohort& cohort, const std::vector<int64_t>& known) {
  std::vector<int64_t> places;
  std::vector<int64_t> classes;
  for (size_t i = 0; i < cohort.rows.size(); ++i) {
    const auto found = std::ranges::lower_bound(known, cohort.instrument_id[i]);
    if (found == known.end() || *found != cohort.instrument_id[i]) continue;
    places.push_back(static_cast<int64_t>(i));
    classes.push_back(found - known.begin());
  }
  const at::Tensor chosen = at::tensor(places, at::kLong);
  return {{cohort.row_tensor().index_select(0, chosen), at::tensor(classes, at::kLong)}, chosen};
}

at::Tensor observation_ids(const Cohort& cohort) { return at::tensor(cohort.observation_id, at::kLong); }

}  // namespace

std::optional<ProbeScores> probe_instruments(const std::vector<Representation>& representations, const Cohorts& cohorts,
                                             uint64_t seed, const std::function<void(const std::string&)>& told) {
  const std::set<int64_t> seen(cohorts.training.instrument_id.begin(), cohorts.training.instrument_id.end());
  const std::vector<int64_t> known(seen.begin(), seen.end());
  const auto classes = static_cast<int64_t>(known.size());
  const auto [training, training_places] = instruments_of(cohorts.training, known);
  const auto [test, test_places] = instruments_of(cohorts.measured, known);
  const std::set<int64_t> tested(test.truth.const_data_ptr<int64_t>(),
                                 test.truth.const_data_ptr<int64_t>() + test.truth.numel());
  if (classes < 2 || tested.size() < 2) return {};

  ProbeScores scores;
  scores.quantity = "instrument";
  scores.chance = 1.0 / static_cast<double>(tested.size());
  scores.observation_id = observation_ids(cohorts.measured).index_select(0, test_places);
  scores.truth = at::tensor(known, at::kLong).index_select(0, test.truth).to(at::kDouble);
  const at::Tensor stars = cohorts.training.star_of_row_tensor().index_select(0, training_places);
  for (const Representation& representation : representations) {
    Probe found = probe(representation, training, stars, test, classes, seed);
    for (at::Tensor* predictions : {&found.linear_predictions, &found.mlp_predictions}) {
      *predictions = at::tensor(known, at::kLong).index_select(0, predictions->to(at::kLong)).to(at::kDouble);
    }
    scores.probes.push_back(std::move(found));
    told(representation.name);
  }
  return scores;
}

ProbeScores probe_target(const Target& target, const std::vector<Representation>& representations,
                         const Cohorts& cohorts, uint64_t seed, const std::function<void(const std::string&)>& told) {
  const LabelledCurves training = labelled_curves(cohorts.training, target.training_stars, target.training_values);
  const LabelledCurves test = labelled_curves(cohorts.measured, target.test_stars, target.test_values);
  ProbeScores scores;
  scores.quantity = target.name;
  scores.chance = target.classes() == 0 ? 0.0 : 1.0 / static_cast<double>(target.classes());
  scores.observation_id = observation_ids(cohorts.measured).index_select(0, test.places);
  scores.truth = test.labels.to(at::kDouble);
  for (const Representation& representation : representations) {
    scores.probes.push_back(probe(representation, {training.rows, training.labels}, training.stars,
                                  {test.rows, test.labels}, target.classes(), seed));
    told(representation.name);
  }
  return scores;
}

}  // namespace causalfm::evaluation
