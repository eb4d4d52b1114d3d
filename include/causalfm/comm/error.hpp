#pragma once

#include <stdexcept>

namespace causalfm::comm {

/// Ranks cannot reach each other: a deadline passed, a rank is gone, a backend cannot serve. Exit code 4.
class CommunicationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace causalfm::comm
