#pragma once

#include <stdexcept>

namespace causalfm::config {

/// What the user asked for cannot be: one sentence with file, line, key as given, and remedy. Exit code 2.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace causalfm::config
