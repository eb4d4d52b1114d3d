#include "app/sweep_evaluation.hpp"

#include "causalfm/run/process.hpp"
#include "app/command_evaluate.hpp"
#include "app/command_simulate.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <sstream>
#include <system_error>

namespace causalfm::app {

namespace {

/// Writes the data set beside and renames it, so that another trial sees all of it or nothing.
void require_data_set(const config::Config& settings, const std::filesystem::path& folder) {
  if (settings.data.path || std::filesystem::exists(folder)) return;
  const std::filesystem::path partial =
      folder.parent_path() /
      fmt::format(".{}.partial-{}-{}", folder.filename().string(), run::this_host(), run::this_pid());
  std::ostringstream unheard;
  simulate(
      settings, partial, /*rank=*/0, /*world_size=*/1, [] {}, unheard);
  std::error_code refused;
  std::filesystem::rename(partial, folder, refused);
  if (!refused) return;
  if (!std::filesystem::exists(folder)) std::filesystem::rename(partial, folder);
  std::filesystem::remove_all(partial);
}

}  // namespace

void evaluate_trial(Job& job, const sweep::SweepFolder& folder, const sweep::Trial& trial, int64_t steps) {
  const std::filesystem::path data = folder.data_set(trial.config);
  require_data_set(trial.config, data);
  const std::filesystem::path report = folder.report(trial, steps);
  const std::filesystem::path partial = report.string() + ".partial";
  std::filesystem::remove_all(partial);
  evaluation::EvaluateRequest request;
  request.runs = {folder.run(trial).string()};
  request.data = data.string();
  request.out = partial.string();
  request.measured = data::Split::validation;
  request.command = fmt::format("causalfm evaluate --run {} --data {} --measure-on validation",
                                folder.run(trial).string(), data.string());
  config::Config settings;
  settings.runtime = trial.config.runtime;
  evaluate_command(job, settings, request, std::nullopt);
  std::filesystem::rename(partial, report);
}

}  // namespace causalfm::app
