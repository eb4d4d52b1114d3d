#include "evaluation/cohort.hpp"

#include "causalfm/evaluation/error.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

namespace causalfm::evaluation {

namespace {

at::Tensor to_tensor(const std::vector<int64_t>& values) { return at::tensor(values, at::kLong); }

}  // namespace

at::Tensor Cohort::row_tensor() const { return to_tensor(rows); }
at::Tensor Cohort::star_of_row_tensor() const { return to_tensor(star_of_row); }
at::Tensor Cohort::instrument_tensor() const { return to_tensor(instrument_id); }

Cohort make_cohort(const data::Source& source, const config::Data& settings, data::Split split) {
  Cohort cohort;
  cohort.rows = data::rows_of_split(source, settings, split);
  if (cohort.rows.empty()) {
    throw EvaluationError(
        fmt::format("the {0} split of {1} is empty: nothing can be measured; train with a larger "
                    "data.{0}_stars, or on more stars",
                    data::name_of(split), source.description().place));
  }
  const data::ObservationTable& table = source.observations();
  for (const int64_t row : cohort.rows) {
    cohort.stars.push_back(table.star_id[row]);
    cohort.observation_id.push_back(table.observation_id[row]);
    cohort.instrument_id.push_back(table.instrument_id[row]);
  }
  std::ranges::sort(cohort.stars);
  cohort.stars.erase(std::unique(cohort.stars.begin(), cohort.stars.end()), cohort.stars.end());
  for (const int64_t row : cohort.rows) {
    cohort.star_of_row.push_back(std::ranges::lower_bound(cohort.stars, table.star_id[row]) - cohort.stars.begin());
  }
  return cohort;
}

}  // namespace causalfm::evaluation
