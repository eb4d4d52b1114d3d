#include "app/command_replay.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/training/error.hpp"
#include "causalfm/training/replay.hpp"
#include "app/table.hpp"
#include "app/training_host.hpp"

#include <fmt/format.h>

#include <cmath>

namespace causalfm::app {

namespace {

/// Without the sign of a nan, which means nothing.
std::string text_of(double number) { return std::isnan(number) ? "nan" : fmt::format("{:.5g}", number); }

void print(const training::Replay& replay, std::ostream& output) {
  output << fmt::format("step {}, {} curves\n\n", replay.step, replay.rows);
  std::vector<std::vector<std::string>> outputs{{"output", "min", "max", "not finite"}};
  for (const auto& row : replay.outputs) {
    outputs.push_back({row.name, text_of(row.minimum), text_of(row.maximum), std::to_string(row.non_finite)});
  }
  print_table(outputs, output);
  std::vector<std::vector<std::string>> losses{{"loss", "value"}};
  for (const auto& [name, value] : replay.losses) losses.push_back({name, text_of(value)});
  output << "\n";
  print_table(losses, output);
  std::vector<std::vector<std::string>> gradients{{"gradient", "norm", "not finite"}};
  for (const auto& row : replay.gradients) {
    gradients.push_back({row.group, text_of(row.norm), std::to_string(row.non_finite)});
  }
  gradients.push_back({"all together", text_of(replay.gradient_norm), ""});
  output << "\n";
  print_table(gradients, output);
}

}  // namespace

int replay_command(Job& job, const std::string& file, const std::string& config_file,
                   const std::vector<std::string>& overrides, std::ostream& output) {
  const auto file_system = storage::make_real_file_system();
  const config::Config settings =
      config_file.empty() ? config::parse(training::configuration_of_batch(*file_system, file), file, overrides)
                          : config::load(config_file, overrides);
  const TrainingHost host(job, settings, [] { return false; });
  const training::Replay replay = training::replay(file, settings, host.host());
  print(replay, output);
  if (replay.found) {
    throw training::NumericsError(
        fmt::format("step {}: {}; {} repeats it: try --set train.precision=float64, another loss.temperature or a "
                    "lower train.learning_rate from an earlier checkpoint",
                    replay.step, *replay.found, file));
  }
  output << "\nevery output, loss and gradient is finite\n";
  return static_cast<int>(ExitCode::done);
}

}  // namespace causalfm::app
