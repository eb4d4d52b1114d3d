#include "causalfm/run/comparison.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/run/history.hpp"
#include "causalfm/run/state.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace causalfm::run {

namespace {

constexpr double seconds_an_hour = 3600.0;

struct Read {
  ComparedRun run;
  config::Config settings;
};

std::optional<double> median(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return {};
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2.0;
}

Read read(storage::FileSystem& file_system, const std::filesystem::path& folder) {
  const RunState state = read_state(file_system, folder, {std::chrono::system_clock::now()});
  ComparedRun compared{folder,
                       state.history.steps_done,
                       {},
                       median(state.history.curves_per_second),
                       state.seconds / seconds_an_hour,
                       state.ranks};
  if (const nlohmann::ordered_json* best = state.history.best()) compared.best = *best;
  const RunFolder run = RunFolder::open(file_system, folder);
  return {std::move(compared), config::parse(*run.read_config(), run.config_file().string())};
}

double best_loss(const Read& read) {
  return read.run.best ? number_of(*read.run.best, "validation_loss") : std::numeric_limits<double>::infinity();
}

std::vector<DifferingKey> differing_keys(const std::vector<Read>& runs) {
  std::map<std::string, std::vector<std::string>> values;
  for (std::size_t i = 1; i < runs.size(); ++i) {
    for (const config::Difference& difference : config::differences(runs[0].settings, runs[i].settings)) {
      auto& of_key = values[difference.key];
      of_key.resize(runs.size(), difference.first);
      of_key[i] = difference.second;
    }
  }
  std::vector<DifferingKey> keys;
  for (auto& [key, of_runs] : values) keys.push_back({key, std::move(of_runs)});
  return keys;
}

}  // namespace

Comparison compare(storage::FileSystem& file_system, const std::vector<std::filesystem::path>& folders) {
  std::vector<Read> runs;
  for (const std::filesystem::path& folder : folders) runs.push_back(read(file_system, folder));
  std::ranges::stable_sort(runs, {}, best_loss);
  Comparison comparison;
  comparison.differences = differing_keys(runs);
  for (Read& each : runs) comparison.runs.push_back(std::move(each.run));
  return comparison;
}

}  // namespace causalfm::run
