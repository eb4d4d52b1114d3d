#pragma once

#include "causalfm/model/observer.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace causalfm::model {

/// Where in the networks something is computed, for an observer; without one names are not even put together.
class ObservedPlace {
 public:
  ObservedPlace() = default;
  explicit ObservedPlace(Observer* observer) : observer_(observer) {}

  /// The place `name` inside this one, or its part of that number: "block 2".
  ObservedPlace operator/(std::string_view name) const { return {observer_, observer_ ? joined(name) : std::string()}; }
  ObservedPlace part(std::string_view name, int64_t number) const {
    return {observer_, observer_ ? joined(name) + " " + std::to_string(number) : std::string()};
  }

  /// Whether an observer is to see the sublayers here.
  bool sublayers_seen() const { return observer_ != nullptr && observer_->sees_sublayers(); }

  /// Shows what was computed here.
  void show(const at::Tensor& output) const {
    if (observer_) observer_->observe(name_, output);
  }

 private:
  ObservedPlace(Observer* observer, std::string name) : observer_(observer), name_(std::move(name)) {}

  std::string joined(std::string_view name) const {
    return name_.empty() ? std::string(name) : name_ + ", " + std::string(name);
  }

  Observer* observer_ = nullptr;
  std::string name_;
};

}  // namespace causalfm::model
