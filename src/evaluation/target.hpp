#pragma once

#include "causalfm/data/source.hpp"
#include "causalfm/evaluation/evaluate.hpp"
#include "evaluation/cohort.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::evaluation {

/// A quantity of stars that regressors are to tell, and the stars for which it is known.
struct Target {
  std::string name;                      ///< as in the report: theta_0, or the user's column
  std::vector<std::string> class_names;  ///< empty: regression
  std::vector<int64_t> training_stars;   ///< indices into the training cohort's stars, ascending
  at::Tensor training_values;            ///< float64, or int64 classes
  std::vector<int64_t> test_stars;       ///< indices into the test cohort's stars, ascending
  at::Tensor test_values;

  int64_t classes() const { return static_cast<int64_t>(class_names.size()); }
};

/// theta_0 of the simulator; none without truth/theta in the data, or where all stars have the same.
std::optional<Target> theta_0_target(const data::Source& source, const Cohort& training, const Cohort& test);

/// The columns of a CSV file: stars that the data set does not have are passed over, and so are empty cells.
/// @throws EvaluationError naming file and line when it cannot be read, lacks a column, repeats a star, holds text
/// where
///         numbers are asked for, or has a constant target or labels for fewer than two training or test stars.
std::vector<Target> user_targets(const UserLabels& labels, const Cohort& training, const Cohort& test);

}  // namespace causalfm::evaluation
