#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace causalfm::comm {

/// Ranks cannot reach each other: a deadline passed, a rank is gone, a backend cannot serve. Exit code 4.
class CommunicationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Why the job cannot go on.
struct Failure {
  int64_t rank = 0;  ///< who failed, or who first missed another
  int exit_code = 4;
  std::string sentence;
};

/// A collective ended because the job has failed elsewhere: a consequence, never the cause. Its code is the cause's.
class PeerFailure : public CommunicationError {
 public:
  PeerFailure(const std::string& place, Failure cause)
      : CommunicationError(place + " ended because rank " + std::to_string(cause.rank) + " failed: " + cause.sentence),
        cause_(std::move(cause)) {}

  const Failure& cause() const { return cause_; }

 private:
  Failure cause_;
};

}  // namespace causalfm::comm
