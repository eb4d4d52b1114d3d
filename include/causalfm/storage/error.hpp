#pragma once

#include <stdexcept>

namespace causalfm::storage {

/// Bytes did not reach the disk, or did not come back whole: one sentence with path, operation, cause and remedy.
/// Exit code 6 (a room that reads a user's data set turns it into its own error).
class StorageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace causalfm::storage
