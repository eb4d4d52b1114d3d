#include "app/command_compare.hpp"

#include "causalfm/run/comparison.hpp"
#include "causalfm/run/history.hpp"
#include "causalfm/run/json_text.hpp"
#include "app/exit_code.hpp"
#include "app/quantity_text.hpp"
#include "app/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <ostream>
#include <string>
#include <utility>

namespace causalfm::app {

namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

/// Fields of the best validation line, with their columns' names.
constexpr std::array<std::pair<const char*, const char*>, 6> columns{
    {{"validation_loss", "loss"},
     {"validation_reconstruction", "reconstruction"},
     {"validation_star", "star"},
     {"validation_instrument", "instrument"},
     {"validation_star_recall", "star recall"},
     {"validation_instrument_recall", "instrument recall"}}};

Row heading() {
  Row row{"run", "steps", "best step"};
  for (const auto& [field, name] : columns) row.emplace_back(name);
  row.insert(row.end(), {"curves/s", "hours", "ranks"});
  return row;
}

Row row_of(const run::ComparedRun& run) {
  Row row{run.folder.string(), grouped(run.steps)};
  row.push_back(run.best ? grouped((*run.best)["step"].get<int64_t>()) : "-");
  for (const auto& [field, name] : columns) {
    const double value = run.best ? run::number_of(*run.best, field) : std::numeric_limits<double>::quiet_NaN();
    row.push_back(std::isnan(value) ? "-" : fmt::format("{:.4f}", value));
  }
  row.push_back(run.median_curves_per_second ? fmt::format("{:.0f}", *run.median_curves_per_second) : "-");
  row.push_back(fmt::format("{:.3g}", run.hours));
  row.push_back(run.ranks > 0 ? fmt::format("{}", run.ranks) : "-");
  return row;
}

void print(const run::Comparison& comparison, std::ostream& output) {
  std::vector<Row> rows{heading()};
  for (const run::ComparedRun& run : comparison.runs) rows.push_back(row_of(run));
  print_table(rows, output);
  if (comparison.differences.empty()) {
    output << "\nno key of the configurations differs\n";
    return;
  }
  output << "\n";
  std::vector<Row> keys{{"key"}};
  for (const run::ComparedRun& run : comparison.runs) keys.front().push_back(run.folder.string());
  for (const run::DifferingKey& difference : comparison.differences) {
    Row row{difference.key};
    row.insert(row.end(), difference.values.begin(), difference.values.end());
    keys.push_back(std::move(row));
  }
  print_table(keys, output);
}

Json to_json(const run::ComparedRun& run) {
  Json json{{"run", run.folder.string()}, {"steps", run.steps}, {"hours", run.hours}};
  if (run.best) {
    json["best_step"] = (*run.best)["step"];
    json["best_value"] = run.best->at("validation_loss");
    json["best_validation"] = *run.best;
  }
  if (run.median_curves_per_second) json["median_curves_per_second"] = *run.median_curves_per_second;
  if (run.ranks > 0) json["ranks"] = run.ranks;
  return json;
}

Json to_json(const run::Comparison& comparison) {
  Json json{{"runs", Json::array()}, {"differences", Json::object()}};
  for (const run::ComparedRun& run : comparison.runs) json["runs"].push_back(to_json(run));
  for (const run::DifferingKey& difference : comparison.differences) {
    json["differences"][difference.key] = difference.values;
  }
  return json;
}

}  // namespace

int compare_command(const std::vector<std::filesystem::path>& folders, bool json, std::ostream& output) {
  const auto file_system = storage::make_real_file_system();
  const run::Comparison comparison = run::compare(*file_system, folders);
  if (json) {
    output << run::to_text(to_json(comparison), 2) << "\n";
  } else {
    print(comparison, output);
  }
  return static_cast<int>(ExitCode::done);
}

}  // namespace causalfm::app
