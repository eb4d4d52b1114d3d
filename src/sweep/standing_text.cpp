#include "causalfm/sweep/standing.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace causalfm::sweep {

namespace {

using nlohmann::ordered_json;

const char* name_of(Method method) {
  return method == Method::grid ? "grid" : method == Method::random ? "random" : "successive_halving";
}

/// Quoted where CSV asks for it (RFC 4180).
std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char letter : text) quoted += letter == '"' ? "\"\"" : std::string(1, letter);
  return quoted + '"';
}

/// Shortest that reads back; empty for what is unknown.
std::string cell(double number) { return std::isnan(number) ? "" : fmt::format("{}", number); }

ordered_json json_of(const TrialStanding& standing) {
  const Outcome& outcome = standing.outcome;
  ordered_json json{{"name", standing.trial.name},
                    {"seed", standing.trial.seed},
                    {"state", to_string(outcome.progress)},
                    {"steps", outcome.steps},
                    {"steps_asked_for", standing.steps_asked_for},
                    {"seconds", outcome.seconds}};
  if (outcome.progress == Progress::done) json["value"] = outcome.value;
  if (outcome.progress == Progress::failed) {
    if (outcome.code != 0) json["code"] = outcome.code;
    json["sentence"] = outcome.sentence;
  }
  return json;
}

ordered_json json_of(const SettingStanding& standing) {
  ordered_json json{{"parameters", ordered_json::object()},
                    {"rung", standing.rung},
                    {"done", standing.done},
                    {"failed", standing.failed}};
  for (const auto& [key, value] : standing.setting) json["parameters"][key] = value;
  if (standing.done > 0) json["mean"] = standing.mean;
  if (standing.done > 1) json["standard_deviation"] = standing.spread;
  for (const TrialStanding& trial : standing.trials) json["trials"].push_back(json_of(trial));
  return json;
}

}  // namespace

ordered_json to_json(const Standing& standing) {
  const Description& description = standing.description;
  ordered_json json{{"format", "causalfm-sweep"},
                    {"version", 1},
                    {"objective", description.objective.name},
                    {"direction", description.direction == Direction::minimize ? "minimize" : "maximize"},
                    {"method", name_of(description.method)},
                    {"parameters", ordered_json::object()},
                    {"settings", ordered_json::array()}};
  for (const Parameter& parameter : description.parameters) {
    json["parameters"][parameter.key] = {{"logarithmic", parameter.range && parameter.range->logarithmic}};
  }
  for (const SettingStanding& setting : standing.settings) json["settings"].push_back(json_of(setting));
  return json;
}

std::string settings_csv(const Standing& standing) {
  std::string text;
  for (const Parameter& parameter : standing.description.parameters) text += cell(parameter.key) + ",";
  text += cell(standing.description.objective.name) + ",standard_deviation,done,failed,trials,rung\n";
  for (const SettingStanding& setting : standing.settings) {
    for (const auto& [key, value] : setting.setting) text += cell(value) + ",";
    text += fmt::format("{},{},{},{},{},{}\n", cell(setting.mean), cell(setting.spread), setting.done, setting.failed,
                        setting.trials.size(), setting.rung);
  }
  return text;
}

std::string trials_csv(const Standing& standing) {
  std::string text = "trial,";
  for (const Parameter& parameter : standing.description.parameters) text += cell(parameter.key) + ",";
  text += "seed,state," + cell(standing.description.objective.name) + ",steps,seconds,code,sentence\n";
  for (const SettingStanding& setting : standing.settings) {
    for (const TrialStanding& trial : setting.trials) {
      const Outcome& outcome = trial.outcome;
      text += cell(trial.trial.name) + ",";
      for (const auto& [key, value] : setting.setting) text += cell(value) + ",";
      text += fmt::format("{},{},{},{},{},{},{}\n", trial.trial.seed, to_string(outcome.progress), cell(outcome.value),
                          outcome.steps, cell(outcome.seconds), outcome.code == 0 ? "" : std::to_string(outcome.code),
                          cell(outcome.sentence));
    }
  }
  return text;
}

}  // namespace causalfm::sweep
