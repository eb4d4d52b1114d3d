#pragma once

#include "config/names.hpp"
#include "config/setting.hpp"

#include <memory>
#include <string>
#include <vector>

namespace causalfm::config {

template <typename Enum>
std::string choices_text() {
  std::string text;
  for (const auto& name : names_of(Enum{})) {
    if (!text.empty()) text += ", ";
    text += name.text;
  }
  return text;
}

/// One of an enum's names.
template <typename Enum>
class Choice final : public Setting {
 public:
  explicit Choice(Enum& member) : member_(member) {}

  bool read(const YAML::Node& node) override {
    if (!node.IsScalar()) return false;
    const auto value = from_text<Enum>(node.Scalar());
    if (value) member_ = *value;
    return value.has_value();
  }
  std::string text() const override { return std::string(to_text(member_)); }
  std::string json() const override { return '"' + text() + '"'; }
  std::string type() const override { return "one of"; }
  std::string range() const override { return choices_text<Enum>(); }

 private:
  Enum& member_;
};

/// A list of an enum's names, in the user's order and with repeats.
template <typename Enum>
class ChoiceList final : public Setting {
 public:
  ChoiceList(std::vector<Enum>& member, size_t longest) : member_(member), longest_(longest) {}

  bool read(const YAML::Node& node) override {
    if (!node.IsSequence()) return false;
    std::vector<Enum> values;
    for (const YAML::Node& element : node) {
      const auto value = element.IsScalar() ? from_text<Enum>(element.Scalar()) : std::nullopt;
      if (!value) return false;
      values.push_back(*value);
    }
    member_ = std::move(values);
    return true;
  }
  std::string text() const override {
    std::string text = "[";
    for (const Enum value : member_) {
      if (text.size() > 1) text += ", ";
      text += to_text(value);
    }
    return text + "]";
  }
  bool in_range() const override { return !member_.empty() && member_.size() <= longest_; }
  std::string type() const override { return "list"; }
  std::string range() const override {
    return "of 1 to " + std::to_string(longest_) + " out of " + choices_text<Enum>();
  }

 private:
  std::vector<Enum>& member_;
  size_t longest_;
};

template <typename Enum>
std::unique_ptr<Setting> choice(Enum& member) {
  return std::make_unique<Choice<Enum>>(member);
}

template <typename Enum>
std::unique_ptr<Setting> choice_list(std::vector<Enum>& member, size_t longest) {
  return std::make_unique<ChoiceList<Enum>>(member, longest);
}

}  // namespace causalfm::config
