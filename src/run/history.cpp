#include "causalfm/run/history.hpp"

#include "causalfm/run/metrics.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace causalfm::run {

using nlohmann::ordered_json;

double number_of(const ordered_json& line, const std::string& field) {
  const auto found = line.find(field);
  return found == line.end() ? std::numeric_limits<double>::quiet_NaN() : to_number(*found);
}

const ordered_json* History::best(int64_t last_step) const {
  const ordered_json* best = nullptr;
  double lowest = std::numeric_limits<double>::infinity();
  for (const ordered_json& line : validations) {
    if (line["step"].get<int64_t>() > last_step) continue;
    if (const double loss = number_of(line, "validation_loss"); loss < lowest) {
      best = &line;
      lowest = loss;
    }
  }
  return best;
}

History read_history(storage::FileSystem& file_system, const RunFolder& run) {
  History history;
  if (!file_system.exists(run.metrics_file())) return history;
  visit_metrics(file_system, run.metrics_file(), [&](ordered_json line) {
    const auto step = line["step"].get<int64_t>();
    if (line.contains("validation_loss")) {
      history.steps_done = std::max(history.steps_done, step);
      history.validations.push_back(std::move(line));
    } else {
      history.steps_done = std::max(history.steps_done, step + 1);
      history.curves_per_second.push_back(number_of(line, "curves_per_second"));
      history.seconds.push_back(number_of(line, "seconds"));
      history.last_training = std::move(line);
    }
  });
  return history;
}

}  // namespace causalfm::run
