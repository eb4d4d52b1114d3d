#pragma once

#include <stdexcept>

namespace causalfm::training {

/// A run cannot start or go on as asked (a folder of another run, more ranks than triplets). Exit code 2.
class TrainingError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A loss or a gradient is not finite. Exit code 5.
class NumericsError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace causalfm::training
