#include "causalfm/sweep/trial.hpp"

#include "causalfm/config/error.hpp"
#include "causalfm/config/load.hpp"
#include "causalfm/philox.hpp"
#include "causalfm/sweep/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string_view>

namespace causalfm::sweep {

namespace {

constexpr std::size_t longest_name = 180;  // file systems take 255 bytes, of which log files want some

/// FNV-1a (Fowler, Noll & Vo): for names, not against malice.
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3ULL;
  return hash;
}

/// Uniform in [0, 1), of one parameter of one setting.
double draw(int64_t search_seed, int64_t setting, int64_t attempt, std::string_view key) {
  const PhiloxKey stream = philox_key(mix_bits(static_cast<uint64_t>(search_seed)) ^ hash_of(key), RandomStream::sweep);
  const PhiloxBlock block = philox4x32(static_cast<uint64_t>(attempt), static_cast<uint64_t>(setting), stream);
  return uniform_double(block[0], block[1]);
}

double between(double lowest, double highest, double share, bool logarithmic) {
  if (!logarithmic) return lowest + share * (highest - lowest);
  return std::exp(std::log(lowest) + share * (std::log(highest) - std::log(lowest)));
}

/// With four digits, so that the name of a trial tells the value that it has.
std::string drawn_from(const Range& range, double share) {
  if (range.integers) {
    const double value = std::floor(between(range.lowest, range.highest + 1.0, share, range.logarithmic));
    return fmt::format("{:.0f}", std::clamp(value, range.lowest, range.highest));
  }
  const double value = between(range.lowest, range.highest, share, range.logarithmic);
  const double rounded = std::strtod(fmt::format("{:.3e}", value).c_str(), nullptr);
  return fmt::format("{}", std::clamp(rounded, range.lowest, range.highest));
}

Setting drawn_setting(const Description& description, int64_t index, int64_t attempt) {
  Setting setting;
  for (const Parameter& parameter : description.parameters) {
    const double share = draw(description.search_seed, index, attempt, parameter.key);
    const auto place = static_cast<std::size_t>(share * static_cast<double>(parameter.values.size()));
    setting.emplace_back(parameter.key,
                         parameter.range ? drawn_from(*parameter.range, share) : parameter.values[place]);
  }
  return setting;
}

std::vector<Setting> grid_of(const Description& description) {
  std::vector<Setting> settings(1);
  for (const Parameter& parameter : description.parameters) {
    std::vector<Setting> longer;
    for (const Setting& setting : settings) {
      for (const std::string& value : parameter.values) {
        longer.push_back(setting);
        longer.back().emplace_back(parameter.key, value);
      }
    }
    settings = std::move(longer);
  }
  return settings;
}

std::vector<Setting> drawn_settings(const Description& description) {
  constexpr int64_t most_attempts = 10000;
  std::vector<Setting> settings;
  std::set<Setting> known;
  for (int64_t index = 0; index < description.settings; ++index) {
    for (int64_t attempt = 0;; ++attempt) {
      Setting setting = drawn_setting(description, index, attempt);
      if (known.insert(setting).second) {
        settings.push_back(std::move(setting));
        break;
      }
      if (attempt == most_attempts) {
        throw SweepError(
            fmt::format("trials is {}, but the parameters seem to have no more than {} combinations; lower "
                        "it, or take method: grid",
                        description.settings, index));
      }
    }
  }
  return settings;
}

bool is_plain(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
         std::string_view("._=,+-").find(letter) != std::string_view::npos;
}

/// A list as "attention+lstm", text without its quotes.
std::string plain_value(std::string value) {
  std::erase_if(value, [](char letter) { return std::string_view("[] \"").find(letter) != std::string_view::npos; });
  std::ranges::replace(value, ',', '+');
  return value;
}

/// A name that every file system and shell takes as it is; with a hash where something of the values is lost.
std::string name_of(const Setting& setting, int64_t seed) {
  std::string whole;
  for (const auto& [key, value] : setting) whole += key + "=" + plain_value(value) + ",";
  whole += fmt::format("seed={}", seed);
  std::string name = whole.substr(0, longest_name);
  std::ranges::replace_if(
      name, [](char letter) { return !is_plain(letter); }, '_');
  return name == whole ? name : fmt::format("{}-{:08x}", name, hash_of(whole) >> 32);
}

}  // namespace

std::vector<Setting> settings_of(const Description& description) {
  return description.method == Method::grid ? grid_of(description) : drawn_settings(description);
}

std::vector<Trial> trials_of(const Description& description, const std::string& name) {
  std::vector<Setting> settings;
  try {
    settings = settings_of(description);
  } catch (const SweepError& error) {
    throw SweepError(name + ": " + error.what());
  }
  const std::string base = config::to_yaml(description.base);
  std::vector<Trial> trials;
  for (std::size_t index = 0; index < settings.size(); ++index) {
    std::vector<std::string> overrides;
    for (const auto& [key, value] : settings[index]) overrides.push_back(key + "=" + value);
    for (const int64_t seed : description.seeds) {
      Trial trial{static_cast<int64_t>(index), seed, name_of(settings[index], seed), {}};
      overrides.push_back(fmt::format("seed={}", seed));
      try {
        trial.config = config::parse(base, "the base configuration", overrides);
      } catch (const config::ConfigError& error) {
        throw SweepError(fmt::format("{}: the setting {} is no configuration: {}", name, trial.name, error.what()));
      }
      overrides.pop_back();
      trials.push_back(std::move(trial));
    }
  }
  return trials;
}

}  // namespace causalfm::sweep
