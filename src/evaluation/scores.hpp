#pragma once

#include "evaluation/bootstrap.hpp"
#include "evaluation/cohort.hpp"
#include "evaluation/label_efficiency.hpp"
#include "evaluation/representation.hpp"
#include "evaluation/target.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace causalfm::evaluation {

/// Trained and tested on which curves.
struct Cohorts {
  Cohort training;
  Cohort validation;
  Cohort test;
  Cohort measured;  ///< the test split, or the validation split where settings are being chosen
};

/// The curves of stars whose label is known.
struct LabelledCurves {
  at::Tensor places;  ///< [n] their places in the cohort
  at::Tensor rows;    ///< [n] rows of the source
  at::Tensor stars;   ///< [n] indices into the list of labelled stars
  at::Tensor labels;  ///< [n]
};

/// `stars` are indices into the cohort's stars, `values` their labels.
LabelledCurves labelled_curves(const Cohort& cohort, const std::vector<int64_t>& stars, const at::Tensor& values);

/// How well one representation tells a target, by the number of labelled stars: R2, or balanced accuracy of classes.
struct ScoreCurve {
  std::string representation;
  std::map<int64_t, std::vector<double>> per_star;   ///< count -> a score a draw, predictions averaged over a star
  std::map<int64_t, std::vector<double>> per_curve;  ///< count -> a score a draw, every curve for itself
  std::map<int64_t, Interval> intervals;             ///< count -> 95 % of the mean over draws of per_star
  std::map<int64_t, at::Tensor> predictions;         ///< count -> [draws, test stars] float64
};

/// All representations on one target.
struct TargetScores {
  Target target;
  std::vector<int64_t> counts;  ///< ascending; the last may be all labelled stars
  at::Tensor
      label_sets;  ///< [draws, labelled training stars] indices into target.training_stars; a set of n is the first n
  std::vector<ScoreCurve> curves;
};

/// Five label draws for every count and representation. `counts` as asked for, empty: 10, 30, 100, 300, 1000, all.
/// `told` is called with the name of each representation when it is done. Local, deterministic.
/// @throws EvaluationError when a count is larger than the stars that have labels.
TargetScores score_target(const Target& target, const std::vector<Representation>& representations,
                          const Cohorts& cohorts, const std::vector<int64_t>& counts, uint64_t split_seed,
                          const std::function<void(const std::string&)>& told);

/// Fills ScoreCurve::intervals by bootstrap over test stars.
void add_intervals(TargetScores& scores, uint64_t seed);

/// How many labels `baseline` needs to do as well as the first run's star latent, at every count.
std::vector<LabelEfficiency> efficiency_of(const TargetScores& scores, uint64_t seed);

}  // namespace causalfm::evaluation
