#pragma once

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

namespace causalfm::app {

/// How a process ends: the exit codes of docs/exit-codes.md.
enum class ExitCode : int {
  done = 0,
  defect = 1,
  usage = 2,
  data = 3,
  communication = 4,
  numerics = 5,
  storage = 6,
  trials_failed = 7,
  out_of_memory = 8,
  interrupted = 75,
};

/// Memory has run out, and more is known about it than what was asked for.
class OutOfMemory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What was asked for ("20.00 MiB", "an unknown amount") if `error` says that no memory was left for it.
std::optional<std::string> memory_asked_for(const std::exception& error);

/// What a person needs to know of a failure: one sentence, and the code that scripts see.
struct Failure {
  ExitCode code;
  std::string sentence;
};

/// The one place where a room's exception becomes a code.
Failure describe_failure(const std::exception& error);

}  // namespace causalfm::app
