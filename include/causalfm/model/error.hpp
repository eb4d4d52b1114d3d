#pragma once

#include <stdexcept>

namespace causalfm::model {

/// A network cannot be built or fed as asked: shapes, dtypes or parameters that do not fit.
class ModelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace causalfm::model
