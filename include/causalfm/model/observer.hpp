#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace causalfm::model {

/// Is shown what the networks compute on their way from curves to outputs. A call follows right upon what it shows, so
/// that the time since the call before is what that took.
class Observer {
 public:
  virtual ~Observer() = default;

  /// @param name of the sublayer, such as "star encoder, block 2, attention"; blocks and layers are numbered as in the
  ///        names of parameters, 0 is the first. A model shows an observer the same names in the same order at every
  ///        call.
  /// @param output [batch, ...], with graph if there is one; what a block adds to its state is shown before dropout
  virtual void observe(const std::string& name, const at::Tensor& output) = 0;

  /// Whether it is to see every sublayer. A Conformer block then takes the plain way, LibTorch's operations, where
  /// kernels would else compute its sublayers at once and show what the block gives alone, as "star encoder, block 2".
  virtual bool sees_sublayers() const { return true; }
};

}  // namespace causalfm::model
