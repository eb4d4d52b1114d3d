#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/data/split.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace causalfm::evaluation {

/// The curves of one split and the stars that they show.
struct Cohort {
  std::vector<int64_t> rows;            ///< of the source, ascending
  std::vector<int64_t> stars;           ///< distinct star_id, ascending
  std::vector<int64_t> star_of_row;     ///< for each of `rows`, the index of its star in `stars`
  std::vector<int64_t> observation_id;  ///< for each of `rows`
  std::vector<int64_t> instrument_id;   ///< for each of `rows`

  at::Tensor row_tensor() const;          ///< [rows] int64
  at::Tensor star_of_row_tensor() const;  ///< [rows] int64, indices
  at::Tensor instrument_tensor() const;   ///< [rows] int64
};

/// The curves of a split under data settings, without held-out instruments except in test (data::rows_of_split).
/// @throws EvaluationError when the split is empty.
Cohort make_cohort(const data::Source& source, const config::Data& settings, data::Split split);

}  // namespace causalfm::evaluation
