#include "evaluation/target.hpp"

#include "causalfm/evaluation/error.hpp"
#include "evaluation/label_file.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

namespace causalfm::evaluation {

namespace {

/// More distinct whole numbers than these are measurements, not classes.
constexpr size_t most_automatic_classes = 20;

std::optional<double> to_number(const std::string& text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

bool is_constant(const at::Tensor& values) { return values.numel() == 0 || values.eq(values[0]).all().item<bool>(); }

void require_usable(const Target& target, const at::Tensor& values, const char* split, const std::string& place) {
  if (values.numel() < 2) {
    throw EvaluationError(fmt::format("{}: {} stars of the {} split have a {}: at least 2 are needed", place,
                                      values.numel(), split, target.name));
  }
  if (is_constant(values)) {
    throw EvaluationError(
        fmt::format("{}: {} is the same for all stars of the {} split, so there is nothing to tell: "
                    "name another target",
                    place, target.name, split));
  }
}

bool are_classes(const std::map<int64_t, std::string>& labels, Task task) {
  if (task != Task::automatic) return task == Task::classification;
  std::set<std::string> distinct;
  for (const auto& [star, text] : labels) {
    const std::optional<double> number = to_number(text);
    if (!number) return true;
    if (*number != std::floor(*number)) return false;
    distinct.insert(text);
  }
  return distinct.size() <= most_automatic_classes;
}

double value_of(const std::string& text, int64_t star, const std::string& place, const std::string& column) {
  const std::optional<double> number = to_number(text);
  if (!number) {
    throw EvaluationError(
        fmt::format("{}: {} of star {} is '{}', which is no finite number: correct it, leave the cell "
                    "empty, or ask for --task classification",
                    place, column, star, text));
  }
  return *number;
}

Target make_target(const std::string& name, const std::map<int64_t, std::string>& labels, const UserLabels& asked,
                   const Cohort& training, const Cohort& test) {
  const std::string place = asked.file.string();
  Target target;
  target.name = name;
  if (are_classes(labels, asked.task)) {
    std::set<std::string> names;
    for (const auto& [star, text] : labels) names.insert(text);
    target.class_names = {names.begin(), names.end()};
  }
  const auto fill = [&](const Cohort& cohort, std::vector<int64_t>& stars, at::Tensor& values) {
    std::vector<double> numbers;
    for (size_t star = 0; star < cohort.stars.size(); ++star) {
      const auto found = labels.find(cohort.stars[star]);
      if (found == labels.end()) continue;
      stars.push_back(static_cast<int64_t>(star));
      numbers.push_back(target.class_names.empty()
                            ? value_of(found->second, cohort.stars[star], place, name)
                            : static_cast<double>(std::ranges::lower_bound(target.class_names, found->second) -
                                                  target.class_names.begin()));
    }
    values = at::tensor(numbers, at::kDouble).to(target.class_names.empty() ? at::kDouble : at::kLong);
  };
  fill(training, target.training_stars, target.training_values);
  fill(test, target.test_stars, target.test_values);
  require_usable(target, target.training_values, "training", place);
  require_usable(target, target.test_values, "test", place);
  return target;
}

/// One value a star, from its first curve.
at::Tensor first_of_each_star(const at::Tensor& column, const Cohort& cohort) {
  at::Tensor values = at::empty({static_cast<int64_t>(cohort.stars.size())}, at::kDouble);
  for (size_t i = cohort.rows.size(); i-- > 0;) {
    values.mutable_data_ptr<double>()[cohort.star_of_row[i]] = column.const_data_ptr<double>()[cohort.rows[i]];
  }
  return values;
}

std::vector<int64_t> all_stars(const Cohort& cohort) {
  std::vector<int64_t> stars(cohort.stars.size());
  for (size_t star = 0; star < stars.size(); ++star) stars[star] = static_cast<int64_t>(star);
  return stars;
}

}  // namespace

std::optional<Target> theta_0_target(const data::Source& source, const Cohort& training, const Cohort& test) {
  const std::vector<std::string> columns = source.columns();
  if (std::ranges::find(columns, "truth/theta") == columns.end()) return {};
  const auto theta = std::get<storage::Array>(source.read_column("truth/theta"));
  const int64_t parameters = theta.shape()[1];
  const at::Tensor theta_0 =
      at::from_blob(const_cast<double*>(theta.as<double>().data()), {source.rows(), parameters}, at::kDouble)
          .select(1, 0)
          .contiguous();
  Target target;
  target.name = "theta_0";
  target.training_stars = all_stars(training);
  target.training_values = first_of_each_star(theta_0, training);
  target.test_stars = all_stars(test);
  target.test_values = first_of_each_star(theta_0, test);
  if (is_constant(target.training_values) || is_constant(target.test_values)) return {};
  return target;
}

std::vector<Target> user_targets(const UserLabels& labels, const Cohort& training, const Cohort& test) {
  std::vector<Target> targets;
  for (const std::string& column : labels.targets) {
    targets.push_back(make_target(column, read_label_column(labels.file, column), labels, training, test));
  }
  return targets;
}

}  // namespace causalfm::evaluation
