#include "evaluation/scores.hpp"

#include "causalfm/philox.hpp"
#include "evaluation/label_sets.hpp"
#include "evaluation/metrics.hpp"
#include "evaluation/perceptron_fits.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace causalfm::evaluation {

namespace {

constexpr int64_t label_draws = 5;
constexpr int64_t bootstrap_resamples = 1000;

/// The curves of the stars that `is_in` [stars] bool marks.
LabelledCurves subset(const LabelledCurves& curves, const at::Tensor& is_in) {
  const at::Tensor kept = is_in.index_select(0, curves.stars).nonzero().flatten();
  return {curves.places.index_select(0, kept), curves.rows.index_select(0, kept), curves.stars.index_select(0, kept),
          curves.labels.index_select(0, kept)};
}

double score(const Target& target, const at::Tensor& truth, const at::Tensor& predicted) {
  return target.classes() == 0 ? r2(truth, predicted) : balanced_accuracy(truth, predicted.argmax(1));
}

/// What is left of probabilities to keep: the class itself.
at::Tensor to_keep(const Target& target, const at::Tensor& predicted) {
  return target.classes() == 0 ? predicted : predicted.argmax(1).to(at::kDouble);
}

ScoreCurve score_representation(const Target& target, const Representation& representation,
                                const LabelledCurves& training, const LabelledCurves& test, const TargetScores& sets,
                                uint64_t seed) {
  std::vector<PerceptronFit> fits;
  for (const int64_t count : sets.counts) {
    for (int64_t draw = 0; draw < label_draws; ++draw) {
      const at::Tensor is_in = at::zeros({static_cast<int64_t>(target.training_stars.size())}, at::kBool);
      is_in.index_fill_(0, sets.label_sets[draw].narrow(0, 0, count), true);
      const LabelledCurves labelled = subset(training, is_in);
      fits.push_back({representation.features, labelled.rows, labelled.stars, labelled.labels, target.classes(),
                      test.rows, mix_bits(seed + static_cast<uint64_t>(draw))});
    }
  }
  const std::vector<at::Tensor> predictions = fit_perceptrons(fits);

  ScoreCurve curve;
  curve.representation = representation.name;
  const auto stars = static_cast<int64_t>(target.test_stars.size());
  auto prediction = predictions.begin();
  for (const int64_t count : sets.counts) {
    std::vector<at::Tensor> of_draws;
    for (int64_t draw = 0; draw < label_draws; ++draw, ++prediction) {
      const at::Tensor of_stars = mean_per_group(*prediction, test.stars, stars);
      curve.per_star[count].push_back(score(target, target.test_values, of_stars));
      curve.per_curve[count].push_back(score(target, test.labels, *prediction));
      of_draws.push_back(to_keep(target, of_stars));
    }
    curve.predictions[count] = at::stack(of_draws);
  }
  return curve;
}

/// The score in every bootstrap sample of test stars: [resamples].
at::Tensor resampled(const Target& target, const at::Tensor& predictions, const at::Tensor& weights) {
  return target.classes() == 0 ? bootstrap_r2(target.test_values, predictions, weights)
                               : bootstrap_balanced_accuracy(target.test_values, predictions.to(at::kLong), weights);
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

at::Tensor weights_of(const TargetScores& scores, uint64_t seed) {
  return bootstrap_weights(scores.target.test_values.numel(), bootstrap_resamples, seed);
}

/// The mean score at every count on the test stars as they are, [counts], and in every sample, [counts, resamples].
std::pair<at::Tensor, at::Tensor> means_of(const TargetScores& scores, const ScoreCurve& curve,
                                           const at::Tensor& weights) {
  std::vector<double> means;
  std::vector<at::Tensor> samples;
  for (const int64_t count : scores.counts) {
    means.push_back(mean(curve.per_star.at(count)));
    samples.push_back(resampled(scores.target, curve.predictions.at(count), weights));
  }
  return {at::tensor(means, at::kDouble), at::stack(samples)};
}

}  // namespace

LabelledCurves labelled_curves(const Cohort& cohort, const std::vector<int64_t>& stars, const at::Tensor& values) {
  const at::Tensor number = at::full({static_cast<int64_t>(cohort.stars.size())}, -1, at::kLong);
  number.index_copy_(0, at::tensor(stars, at::kLong), at::arange(static_cast<int64_t>(stars.size()), at::kLong));
  const at::Tensor of_row = number.index_select(0, cohort.star_of_row_tensor());
  const at::Tensor places = of_row.ge(0).nonzero().flatten();
  const at::Tensor chosen = of_row.index_select(0, places);
  return {places, cohort.row_tensor().index_select(0, places), chosen, values.index_select(0, chosen)};
}

void add_intervals(TargetScores& scores, uint64_t seed) {
  const at::Tensor weights = weights_of(scores, seed);
  for (ScoreCurve& curve : scores.curves) {
    for (const int64_t count : scores.counts) {
      curve.intervals[count] = percentile_interval(resampled(scores.target, curve.predictions.at(count), weights));
    }
  }
}

std::vector<LabelEfficiency> efficiency_of(const TargetScores& scores, uint64_t seed) {
  const at::Tensor weights = weights_of(scores, seed);
  const auto named = [&](std::initializer_list<const char*> names) {
    return std::ranges::find_if(scores.curves, [&](const ScoreCurve& curve) {
      return std::ranges::find(names, curve.representation) != names.end();
    });
  };
  const auto ours = named({"z_star", "z"});
  const auto baseline = named({"baseline"});
  const auto [means, samples] = means_of(scores, *ours, weights);
  const auto [baseline_means, baseline_samples] = means_of(scores, *baseline, weights);
  return label_efficiency(scores.counts, means, baseline_means, samples, baseline_samples);
}

TargetScores score_target(const Target& target, const std::vector<Representation>& representations,
                          const Cohorts& cohorts, const std::vector<int64_t>& counts, uint64_t split_seed,
                          const std::function<void(const std::string&)>& told) {
  TargetScores scores;
  scores.target = target;
  const auto stars = static_cast<int64_t>(target.training_stars.size());
  scores.counts = label_counts(stars, counts);
  scores.label_sets = draw_label_sets(stars, label_draws, split_seed);
  const LabelledCurves training = labelled_curves(cohorts.training, target.training_stars, target.training_values);
  const LabelledCurves test = labelled_curves(cohorts.measured, target.test_stars, target.test_values);
  for (const Representation& representation : representations) {
    scores.curves.push_back(score_representation(target, representation, training, test, scores, split_seed));
    told(representation.name);
  }
  return scores;
}

}  // namespace causalfm::evaluation
