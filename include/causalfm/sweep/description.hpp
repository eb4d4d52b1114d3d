#pragma once

#include "causalfm/config/config.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Which runs to start, where, and what did they show? docs/sweeps.md.
namespace causalfm::sweep {

enum class Method { grid, random, successive_halving };
enum class Direction { minimize, maximize };

/// From where numbers are drawn, both ends included.
struct Range {
  double lowest = 0.0;
  double highest = 0.0;
  bool logarithmic = false;
  bool integers = false;
};

/// A key of the configuration that differs between settings: one of `values`, or drawn from `range`.
struct Parameter {
  std::string key;
  std::vector<std::string> values;  ///< as config::to_yaml() writes them; empty with a range
  std::optional<Range> range = {};
};

/// By what settings are compared.
struct Objective {
  std::string name;          ///< a field of metrics.jsonl, or a dotted path into report.json
  bool of_report = false;    ///< it takes `causalfm evaluate` to know it
  bool of_training = false;  ///< a field of training lines, not of validation lines
};

/// A sweep's file, checked: a setting is one value for each parameter, a trial is a setting on one seed.
struct Description {
  config::Config base;
  Method method = Method::random;
  std::vector<Parameter> parameters;  ///< in the order of the file
  std::vector<int64_t> seeds;         ///< each setting is tried on each
  Objective objective;
  Direction direction = Direction::maximize;
  int64_t settings = 0;     ///< how many: `trials`, or the size of the grid
  int64_t search_seed = 1;  ///< of what is drawn
  int64_t reduction = 3;    ///< successive halving keeps one in so many settings for the next rung
};

/// Reads a sweep from text, strictly; `name` stands for the file in sentences.
/// @throws SweepError, and config::ConfigError for a key or value that no configuration may have, with file and line.
Description describe(std::string_view yaml, const std::string& name, const config::Config& base);

/// A sweep's file as a person writes it.
struct SweepFile {
  std::string text;
  Description description;
};

/// Reads it with the base that it names: as given from the working folder or, where there is none, from the sweep's own
/// folder. @throws as describe() does, and SweepError if the base is in neither.
SweepFile read_sweep(const std::filesystem::path& file);

}  // namespace causalfm::sweep
