#pragma once

#include "causalfm/config/config.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace causalfm::config {

/// Reads a strict YAML file and applies `key=value` overrides (values are YAML: `train.steps=100`,
/// `model.block=[attention, lstm]`) in order; an empty path gives the defaults with the overrides.
/// Ranges of single keys and relations between keys are checked after the last override.
/// @throws ConfigError for an unreadable file, an unknown or repeated key, a wrong type, a value out of range; the
///         sentence names file and line (or `--set`), the key as given, and the nearest key there is.
Config load(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

/// The same from text; `name` stands for the file in sentences (a checkpoint's copy, a run's config.yaml).
Config parse(std::string_view yaml, std::string_view name, const std::vector<std::string>& overrides = {});

/// @throws ConfigError naming `place` and the nearest key when there is no key of this dotted name.
void require_key(std::string_view name, const std::string& place);

/// Whether there is a key of this dotted name that takes whole numbers and no others.
bool takes_integers(std::string_view name);

/// Every key with its value as YAML in a fixed order; parse(to_yaml(c)) == c to the last bit of every double.
std::string to_yaml(const Config& config);

/// One section as compact JSON in a fixed order (numbers round-trip): what a data set's identity is a hash of.
std::string to_json(const Simulation& simulation);

/// A key in which two configurations differ, with both values as YAML.
struct Difference {
  std::string key;  ///< dotted, as a user writes it: "train.steps"
  std::string first;
  std::string second;
};

/// In the order of the documentation; empty for equal configurations.
std::vector<Difference> differences(const Config& first, const Config& second);

/// docs/configuration.md: every key with type, default, range and one sentence.
std::string describe_keys();

}  // namespace causalfm::config
