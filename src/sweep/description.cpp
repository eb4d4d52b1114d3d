#include "causalfm/sweep/description.hpp"

#include "causalfm/config/document.hpp"
#include "causalfm/config/load.hpp"
#include "causalfm/config/spelling.hpp"
#include "causalfm/sweep/error.hpp"
#include "causalfm/sweep/rungs.hpp"
#include "sweep/objective.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

namespace causalfm::sweep {

namespace {

using namespace std::string_view_literals;

constexpr std::array keys{"base"sv,      "method"sv, "parameters"sv,  "seeds"sv,    "objective"sv,
                          "direction"sv, "trials"sv, "search_seed"sv, "reduction"sv};
constexpr int64_t most_trials = 100000;  // runs; more are a mistake, and would take minutes to name

/// A value with the place that sentences about it begin with.
struct Entry {
  YAML::Node value;
  std::string place;
};

[[noreturn]] void refuse(const Entry& entry, std::string_view key, std::string_view expected) {
  throw SweepError(fmt::format("{}: '{}' is {}; expected {}", entry.place, key, config::shown(entry.value), expected));
}

/// Keys of a map, each once. @throws SweepError.
std::vector<std::pair<std::string, Entry>> entries_of(const YAML::Node& map, const std::string& name) {
  std::vector<std::pair<std::string, Entry>> entries;
  for (const auto& pair : map) {
    const std::string place = config::line_place(name, pair.first.Mark());
    if (!pair.first.IsScalar()) {
      throw SweepError(fmt::format("{}: a key is {}; expected a word", place, config::shown(pair.first)));
    }
    const std::string& key = pair.first.Scalar();
    if (std::ranges::any_of(entries, [&](const auto& entry) { return entry.first == key; })) {
      throw SweepError(fmt::format("{}: key '{}' is given again; remove one of the two", place, key));
    }
    entries.emplace_back(key, Entry{pair.second, place});
  }
  return entries;
}

std::map<std::string, Entry, std::less<>> read_keys(std::string_view yaml, const std::string& name) {
  const YAML::Node root = config::single_document(yaml, name, true);
  if (!root.IsMap()) {
    throw SweepError(
        fmt::format("{}: the document is {}; expected a sweep: base, method, parameters, objective and "
                    "direction (docs/sweeps.md)",
                    name, config::shown(root)));
  }
  std::map<std::string, Entry, std::less<>> found;
  for (auto& [key, entry] : entries_of(root, name)) {
    if (std::ranges::find(keys, key) == keys.end()) {
      throw SweepError(fmt::format("{}: unknown key '{}' of a sweep; did you mean '{}'?", entry.place, key,
                                   config::nearest_of(keys, key)));
    }
    found.emplace(key, entry);
  }
  for (const std::string_view needed : {"base"sv, "method"sv, "parameters"sv, "objective"sv, "direction"sv}) {
    if (!found.contains(needed)) {
      throw SweepError(
          fmt::format("{}: '{}' is missing; a sweep has base, method, parameters, objective and direction "
                      "(docs/sweeps.md)",
                      name, needed));
    }
  }
  return found;
}

std::string word(const Entry& entry, std::string_view key, std::string_view expected) {
  if (!entry.value.IsScalar() || entry.value.Scalar().empty()) refuse(entry, key, expected);
  return entry.value.Scalar();
}

template <typename Number>
std::optional<Number> number_in(const YAML::Node& node) {
  if (!node.IsScalar() || node.Tag() != "?") return {};
  const std::string& text = node.Scalar();
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

int64_t integer(const Entry& entry, std::string_view key, int64_t lowest, int64_t highest) {
  const auto number = number_in<int64_t>(entry.value);
  if (!number || *number < lowest || *number > highest) {
    refuse(entry, key, fmt::format("an integer from {} to {}", lowest, highest));
  }
  return *number;
}

Method method_in(const Entry& entry) {
  constexpr auto expected = "grid, random or successive_halving"sv;
  const std::string name = word(entry, "method", expected);
  if (name == "grid") return Method::grid;
  if (name == "random") return Method::random;
  if (name != "successive_halving") refuse(entry, "method", expected);
  return Method::successive_halving;
}

Direction direction_in(const Entry& entry) {
  constexpr auto expected = "minimize or maximize"sv;
  const std::string name = word(entry, "direction", expected);
  if (name != "minimize" && name != "maximize") refuse(entry, "direction", expected);
  return name == "minimize" ? Direction::minimize : Direction::maximize;
}

std::vector<int64_t> seeds_in(const Entry& entry) {
  constexpr auto expected = "a list of distinct seeds, as [0, 1, 2]"sv;
  if (!entry.value.IsSequence() || entry.value.size() == 0) refuse(entry, "seeds", expected);
  std::vector<int64_t> seeds;
  for (const YAML::Node& node : entry.value) {
    config::canonical_value("seed", node, entry.place);
    const auto seed = number_in<int64_t>(node);
    if (!seed || std::ranges::find(seeds, *seed) != seeds.end()) refuse(entry, "seeds", expected);
    seeds.push_back(*seed);
  }
  return seeds;
}

Range range_in(const Entry& entry, const std::string& key) {
  constexpr auto expected =
      "a list of values, {uniform: [lowest, highest]} or {log_uniform: [lowest, highest]} with lowest < highest"sv;
  if (entry.value.size() != 1) refuse(entry, key, expected);
  const auto inner = entries_of(entry.value, entry.place).front();
  const YAML::Node& ends = inner.second.value;
  const bool logarithmic = inner.first == "log_uniform";
  if ((!logarithmic && inner.first != "uniform") || !ends.IsSequence() || ends.size() != 2)
    refuse(entry, key, expected);
  for (const YAML::Node& end : ends) config::canonical_value(key, end, entry.place);
  const auto lowest = number_in<double>(ends[0]);
  const auto highest = number_in<double>(ends[1]);
  if (!lowest || !highest) {
    throw SweepError(fmt::format("{}: '{}' is no number, so it has no range; give a list of values", entry.place, key));
  }
  if (*lowest >= *highest) {
    throw SweepError(fmt::format("{}: '{}' has the empty range {}; the first number must be the lower one", entry.place,
                                 key, config::shown(ends)));
  }
  if (logarithmic && *lowest <= 0.0) {
    throw SweepError(fmt::format("{}: '{}' is log_uniform from {}, but a logarithm needs numbers above 0; take uniform",
                                 entry.place, key, *lowest));
  }
  return {*lowest, *highest, logarithmic, config::takes_integers(key)};
}

Parameter parameter_in(const std::string& key, const Entry& entry) {
  config::require_key(key, entry.place);
  if (key == "seed") {
    throw SweepError(fmt::format("{}: 'seed' is no parameter; list the seeds under 'seeds'", entry.place));
  }
  Parameter parameter{key, {}};
  if (entry.value.IsMap()) {
    parameter.range = range_in(entry, key);
    return parameter;
  }
  if (!entry.value.IsSequence() || entry.value.size() == 0)
    refuse(entry, key, "a list of at least one value, or a range");
  for (const YAML::Node& node : entry.value) {
    std::string value = config::canonical_value(key, node, entry.place);
    if (std::ranges::find(parameter.values, value) != parameter.values.end()) {
      throw SweepError(fmt::format("{}: '{}' lists {} twice; remove one of the two", entry.place, key, value));
    }
    parameter.values.push_back(std::move(value));
  }
  return parameter;
}

std::vector<Parameter> parameters_in(const Entry& entry, const std::string& name) {
  if (!entry.value.IsMap() || entry.value.size() == 0) {
    refuse(entry, "parameters", "keys of the configuration with lists or ranges, as loss.temperature: [0.1, 0.5]");
  }
  std::vector<Parameter> parameters;
  for (const auto& [key, values] : entries_of(entry.value, name)) parameters.push_back(parameter_in(key, values));
  return parameters;
}

int64_t grid_size(const Description& description, const std::string& name) {
  int64_t size = 1;
  for (const Parameter& parameter : description.parameters) {
    if (parameter.range) {
      throw SweepError(
          fmt::format("{}: a grid takes lists only, but '{}' is a range; list its values or take method: "
                      "random",
                      name, parameter.key));
    }
    size *= static_cast<int64_t>(parameter.values.size());
    if (size > most_trials) break;
  }
  return size;
}

std::string base_in(const Entry& entry) { return word(entry, "base", "the path of a configuration"); }

std::filesystem::path find_base(const std::string& base, const std::filesystem::path& sweep_file) {
  const std::filesystem::path beside = sweep_file.parent_path() / base;
  for (const std::filesystem::path& path : {std::filesystem::path(base), beside}) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path;
  }
  throw SweepError(
      fmt::format("{}: base {} is neither in the working folder nor at {}; give the path of a configuration",
                  sweep_file.string(), base, beside.string()));
}

}  // namespace

Description describe(std::string_view yaml, const std::string& name, const config::Config& base) {
  const auto found = read_keys(yaml, name);
  base_in(found.find("base")->second);  // whatever base is handed in, the text must be a sweep's
  const auto entry = [&](std::string_view key) { return found.contains(key) ? &found.find(key)->second : nullptr; };
  Description description;
  description.base = base;
  description.method = method_in(*entry("method"));
  description.parameters = parameters_in(*entry("parameters"), name);
  description.direction = direction_in(*entry("direction"));
  const Entry& objective = *entry("objective");
  description.objective =
      objective_named(word(objective, "objective", "a name in metrics.jsonl or report.json"), objective.place);
  require_comparable(description.objective, description.parameters, objective.place);
  description.seeds = entry("seeds") != nullptr ? seeds_in(*entry("seeds")) : std::vector{base.seed};
  constexpr int64_t any = std::numeric_limits<int64_t>::max();
  if (entry("search_seed") != nullptr) description.search_seed = integer(*entry("search_seed"), "search_seed", 0, any);
  if (entry("reduction") != nullptr) description.reduction = integer(*entry("reduction"), "reduction", 2, most_trials);

  const Entry* trials = entry("trials");
  if (description.method == Method::grid) {
    if (trials != nullptr) {
      throw SweepError(trials->place +
                       ": a grid has no 'trials', it tries every combination; remove the line or take "
                       "method: random");
    }
    description.settings = grid_size(description, name);
  } else {
    if (trials == nullptr) throw SweepError(name + ": 'trials' is missing; say how many settings to draw");
    description.settings = integer(*trials, "trials", 1, most_trials);
  }
  const auto seeds = static_cast<int64_t>(description.seeds.size());
  if (description.settings > most_trials / seeds) {
    throw SweepError(
        fmt::format("{}: the sweep has more than {} runs; shorten lists, trials or seeds", name, most_trials));
  }
  if (description.method == Method::successive_halving) require_rungs(description, name);
  return description;
}

SweepFile read_sweep(const std::filesystem::path& file) {
  std::string text = config::read_text(file);
  const std::string base = base_in(read_keys(text, file.string()).find("base")->second);
  Description description = describe(text, file.string(), config::load(find_base(base, file)));
  return {std::move(text), std::move(description)};
}

}  // namespace causalfm::sweep
