#pragma once

#include <stdexcept>

namespace causalfm::run {

/// The folder cannot serve the run that was asked for: it is of another configuration, or is no run at all. One
/// sentence with folder, cause and remedy. Exit code 2. Files that cannot be written or are damaged are a
/// storage::StorageError (6) instead.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace causalfm::run
