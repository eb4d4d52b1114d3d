#pragma once

#include <ATen/record_function.h>

#include <cstdint>
#include <memory>

namespace causalfm::training {

/// Counts the floating-point operations of matrix products, recurrent layers and attention that this thread has
/// LibTorch do while the object lives; what is element by element is small beside them and left out. Local.
class OperationMeter {
 public:
  OperationMeter();
  ~OperationMeter();
  OperationMeter(const OperationMeter&) = delete;
  OperationMeter& operator=(const OperationMeter&) = delete;

  double operations() const;

 private:
  at::CallbackHandle callback_;
};

}  // namespace causalfm::training
