#pragma once

#include <stdexcept>

namespace causalfm::data {

/// A data set cannot be used: one sentence with place, cause and remedy. Exit code 3.
class DataError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace causalfm::data
