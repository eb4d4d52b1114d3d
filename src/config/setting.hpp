#pragma once

#include "causalfm/config/config.hpp"

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace causalfm::config {

/// One member of a Config as a user sees it: how it reads from YAML, how it is written, what it may hold. Refers to
/// the member, which outlives it.
class Setting {
 public:
  virtual ~Setting() = default;

  /// Takes the value of a YAML node. False when it is of another type; the member is then unchanged.
  virtual bool read(const YAML::Node& node) = 0;
  /// The value as YAML on one line; reads back to the last bit.
  virtual std::string text() const = 0;
  /// The value as JSON: what section simulation holds, numbers and choices.
  virtual std::string json() const { return text(); }

  virtual bool in_range() const { return true; }
  virtual std::string type() const = 0;             ///< "integer"
  virtual std::string range() const { return {}; }  ///< "from 1 to 100"; empty when the type says all
  /// Both, as in "expected integer from 1 to 100".
  std::string expectation() const;
};

/// What a number may be. Infinities and NaN are never read.
struct RealRange {
  double lowest;
  double highest;
  bool lowest_included = true;
  bool highest_included = true;
};
constexpr RealRange from_to(double lowest, double highest) { return {lowest, highest}; }
constexpr RealRange above_to(double lowest, double highest) { return {lowest, highest, false, true}; }
constexpr RealRange from_below(double lowest, double highest) { return {lowest, highest, true, false}; }

std::unique_ptr<Setting> integer(int64_t& member, int64_t lowest, int64_t highest);
std::unique_ptr<Setting> odd_integer(int64_t& member, int64_t lowest, int64_t highest);
std::unique_ptr<Setting> integer_or_auto(std::optional<int64_t>& member, int64_t lowest, int64_t highest);
std::unique_ptr<Setting> distinct_integers(std::vector<int64_t>& member, int64_t lowest, int64_t highest);
std::unique_ptr<Setting> real(double& member, RealRange range);
std::unique_ptr<Setting> boolean(bool& member);
std::unique_ptr<Setting> text_or_null(std::optional<std::string>& member);

/// A scalar without quotes or tag: what alone can be a number, true or false.
bool is_plain(const YAML::Node& node);

}  // namespace causalfm::config
