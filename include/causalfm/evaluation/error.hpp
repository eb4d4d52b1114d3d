#pragma once

#include <stdexcept>

namespace causalfm::evaluation {

/// What is to be evaluated does not fit together or cannot be evaluated as asked: one sentence with place, cause and
/// remedy. Exit code 2.
class EvaluationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace causalfm::evaluation
