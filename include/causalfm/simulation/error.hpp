#pragma once

#include <stdexcept>

namespace causalfm::simulation {

/// A star, instrument or observation that the universe does not hold, or a buffer of the wrong size: one sentence with
/// what was given and what is allowed. Exit code 1: only a defect of ours gets here, for config checks what users say.
class SimulationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace causalfm::simulation
