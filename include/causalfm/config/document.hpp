#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <string>
#include <string_view>

/// Strict YAML for every file that a person writes: configurations and sweeps.
namespace causalfm::config {

/// The bytes of a configuration file. @throws ConfigError for one that is missing, unreadable, a folder or over 1 MiB.
std::string read_text(const std::filesystem::path& file);

/// The one document of a YAML text; null for an empty text. `place` (a file's name or an override) begins sentences;
/// with `name_lines`, the line is added to it.
/// @throws ConfigError for bytes that are no UTF-8, broken YAML, and several documents.
YAML::Node single_document(std::string_view yaml, std::string_view place, bool name_lines);

/// "configs/paper.yaml:12".
std::string line_place(std::string_view name, const YAML::Mark& mark);

/// A value that a user wrote as a sentence shows it: a scalar's text, in quotes if it had some; else what it is.
std::string shown(const YAML::Node& value);

/// The value of the key of that dotted name as to_yaml() writes it: `0.10` is "0.1".
/// @throws ConfigError, whose sentence begins with `place`, for an unknown key, a wrong type or a value out of range.
std::string canonical_value(std::string_view key, const YAML::Node& value, const std::string& place);

}  // namespace causalfm::config
