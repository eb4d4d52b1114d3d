#pragma once

#include <stdexcept>

namespace causalfm::loss {

/// What a loss was given does not fit together (shapes, types, a temperature that is not positive): a defect of the
/// caller, in one sentence that names the tensor. Exit code 1.
class LossError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace causalfm::loss
