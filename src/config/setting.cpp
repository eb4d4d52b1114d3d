#include "config/setting.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

namespace causalfm::config {

namespace {

/// Decimal digits with an optional sign: YAML's other notations (octal, hexadecimal, exponents) mean different things
/// to different readers.
std::optional<int64_t> parse_integer(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_real(std::string_view text) {
  if (text.find_first_not_of("+-.0123456789eE") != std::string_view::npos) return std::nullopt;
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// The shortest text that reads back to the same double, always with a point: without one, YAML 1.1 (PyYAML) takes
/// `1e-05` for a string.
std::string real_text(double value) {
  char buffer[32];
  const auto [end, error] = std::to_chars(std::begin(buffer), std::end(buffer), value);
  std::string text(std::begin(buffer), end);
  if (text.find('.') == std::string::npos) {
    const size_t exponent = text.find('e');
    text.insert(exponent == std::string::npos ? text.size() : exponent, ".0");
  }
  return text;
}

/// A bound as documentation shows it: 100 rather than 100.0 or 1e+02.
std::string bound_text(double bound) {
  char buffer[32];
  const auto [end, error] = std::to_chars(std::begin(buffer), std::end(buffer), bound, std::chars_format::fixed);
  return {std::begin(buffer), end};
}

std::string integer_range_text(int64_t lowest, int64_t highest) {
  if (highest == std::numeric_limits<int64_t>::max()) return "of " + std::to_string(lowest) + " or more";
  return "from " + std::to_string(lowest) + " to " + std::to_string(highest);
}

class Integer final : public Setting {
 public:
  Integer(int64_t& member, int64_t lowest, int64_t highest, bool odd)
      : member_(member), lowest_(lowest), highest_(highest), odd_(odd) {}

  bool read(const YAML::Node& node) override {
    if (!is_plain(node)) return false;
    const auto value = parse_integer(node.Scalar());
    if (value) member_ = *value;
    return value.has_value();
  }
  std::string text() const override { return std::to_string(member_); }
  bool in_range() const override { return lowest_ <= member_ && member_ <= highest_ && (!odd_ || member_ % 2 != 0); }
  std::string type() const override { return odd_ ? "odd integer" : "integer"; }
  std::string range() const override { return integer_range_text(lowest_, highest_); }

 private:
  int64_t& member_;
  int64_t lowest_;
  int64_t highest_;
  bool odd_;
};

class IntegerOrAuto final : public Setting {
 public:
  IntegerOrAuto(std::optional<int64_t>& member, int64_t lowest, int64_t highest)
      : member_(member), lowest_(lowest), highest_(highest) {}

  bool read(const YAML::Node& node) override {
    if (node.IsScalar() && node.Scalar() == "auto") {
      member_.reset();
      return true;
    }
    const auto value = is_plain(node) ? parse_integer(node.Scalar()) : std::nullopt;
    if (value) member_ = value;
    return value.has_value();
  }
  std::string text() const override { return member_ ? std::to_string(*member_) : "auto"; }
  bool in_range() const override { return !member_ || (lowest_ <= *member_ && *member_ <= highest_); }
  std::string type() const override { return "auto or integer"; }
  std::string range() const override { return integer_range_text(lowest_, highest_); }

 private:
  std::optional<int64_t>& member_;
  int64_t lowest_;
  int64_t highest_;
};

class DistinctIntegers final : public Setting {
 public:
  DistinctIntegers(std::vector<int64_t>& member, int64_t lowest, int64_t highest)
      : member_(member), lowest_(lowest), highest_(highest) {}

  bool read(const YAML::Node& node) override {
    if (!node.IsSequence()) return false;
    std::vector<int64_t> values;
    for (const YAML::Node& element : node) {
      const auto value = is_plain(element) ? parse_integer(element.Scalar()) : std::nullopt;
      if (!value) return false;
      values.push_back(*value);
    }
    member_ = std::move(values);
    return true;
  }
  std::string text() const override {
    std::string text = "[";
    for (const int64_t value : member_) {
      if (text.size() > 1) text += ", ";
      text += std::to_string(value);
    }
    return text + "]";
  }
  bool in_range() const override {
    const auto outside = [this](int64_t value) { return value < lowest_ || value > highest_; };
    return std::none_of(member_.begin(), member_.end(), outside) &&
           std::set<int64_t>(member_.begin(), member_.end()).size() == member_.size();
  }
  std::string type() const override { return "list of distinct integers"; }
  std::string range() const override { return integer_range_text(lowest_, highest_); }

 private:
  std::vector<int64_t>& member_;
  int64_t lowest_;
  int64_t highest_;
};

class Real final : public Setting {
 public:
  Real(double& member, RealRange range) : member_(member), range_(range) {}

  bool read(const YAML::Node& node) override {
    if (!is_plain(node)) return false;
    const auto value = parse_real(node.Scalar());
    if (value) member_ = *value;
    return value.has_value();
  }
  std::string text() const override { return real_text(member_); }
  bool in_range() const override {
    const bool above = range_.lowest_included ? member_ >= range_.lowest : member_ > range_.lowest;
    const bool below = range_.highest_included ? member_ <= range_.highest : member_ < range_.highest;
    return above && below;
  }
  std::string type() const override { return "number"; }
  std::string range() const override {
    return (range_.lowest_included ? "from " : "above ") + bound_text(range_.lowest) +
           (range_.highest_included ? ", up to " : ", below ") + bound_text(range_.highest);
  }

 private:
  double& member_;
  RealRange range_;
};

class Boolean final : public Setting {
 public:
  explicit Boolean(bool& member) : member_(member) {}

  bool read(const YAML::Node& node) override {
    if (!is_plain(node) || (node.Scalar() != "true" && node.Scalar() != "false")) return false;
    member_ = node.Scalar() == "true";
    return true;
  }
  std::string text() const override { return member_ ? "true" : "false"; }
  std::string type() const override { return "true or false"; }

 private:
  bool& member_;
};

class TextOrNull final : public Setting {
 public:
  explicit TextOrNull(std::optional<std::string>& member) : member_(member) {}

  bool read(const YAML::Node& node) override {
    if (node.IsNull()) {
      member_.reset();
      return true;
    }
    if (!node.IsScalar() || (is_plain(node) && reads_as_another_type(node.Scalar()))) return false;
    member_ = node.Scalar();
    return true;
  }
  std::string text() const override {
    if (!member_) return "null";
    YAML::Emitter emitter;
    emitter << YAML::DoubleQuoted << *member_;
    return emitter.c_str();
  }
  bool in_range() const override { return !member_ || !member_->empty(); }
  std::string type() const override { return "text or null"; }
  std::string range() const override { return "(not empty; in quotes if it looks like a number)"; }

 private:
  static bool reads_as_another_type(std::string_view text) {
    return parse_real(text).has_value() || text == "true" || text == "false";
  }

  std::optional<std::string>& member_;
};

}  // namespace

std::string Setting::expectation() const {
  const std::string allowed = range();
  return allowed.empty() ? type() : type() + ' ' + allowed;
}

bool is_plain(const YAML::Node& node) { return node.IsScalar() && node.Tag() == "?"; }

std::unique_ptr<Setting> integer(int64_t& member, int64_t lowest, int64_t highest) {
  return std::make_unique<Integer>(member, lowest, highest, false);
}
std::unique_ptr<Setting> odd_integer(int64_t& member, int64_t lowest, int64_t highest) {
  return std::make_unique<Integer>(member, lowest, highest, true);
}
std::unique_ptr<Setting> integer_or_auto(std::optional<int64_t>& member, int64_t lowest, int64_t highest) {
  return std::make_unique<IntegerOrAuto>(member, lowest, highest);
}
std::unique_ptr<Setting> distinct_integers(std::vector<int64_t>& member, int64_t lowest, int64_t highest) {
  return std::make_unique<DistinctIntegers>(member, lowest, highest);
}
std::unique_ptr<Setting> real(double& member, RealRange range) { return std::make_unique<Real>(member, range); }
std::unique_ptr<Setting> boolean(bool& member) { return std::make_unique<Boolean>(member); }
std::unique_ptr<Setting> text_or_null(std::optional<std::string>& member) {
  return std::make_unique<TextOrNull>(member);
}

}  // namespace causalfm::config
