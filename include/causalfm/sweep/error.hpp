#pragma once

#include <stdexcept>

namespace causalfm::sweep {

/// What a sweep asks for cannot be: its file is wrong, or its folder is of another sweep. One sentence with file, line,
/// cause and remedy. Exit code 2.
class SweepError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace causalfm::sweep
