#pragma once

#include "model/fused/gradients.hpp"
#include "model/kernels/kernels.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace causalfm::model {

/// A residual sublayer whose weights are laid out as the kernels take them, for one pass over a batch. Calls are for a
/// run of group_curves curves at most and may be made by several threads at once.
class PackedSublayer {
 public:
  virtual ~PackedSublayer() = default;

  /// Elements that forward keeps for backward of a curve of `time` steps.
  virtual int64_t kept(int64_t time) const = 0;

  /// Elements of scratch that a call needs.
  virtual int64_t scratch(int64_t time, bool backward) const = 0;

  /// `out` [curves, time, width]. @param kept of the run, from a 64-byte boundary; null: nothing is
  virtual void forward(const CurveRun& run, float* kept, float* scratch, float* out) const = 0;

  /// From the gradient of `out`; adds to those of gradients(), in their order.
  virtual void backward(const CurveRun& run, float* kept, const float* gradient, GradientCursor& gradients,
                        float* scratch, float* of_state) const = 0;

  /// Tensors like the gradients that backward adds to.
  virtual std::vector<at::Tensor> gradients() const = 0;

  /// Sums of those gradients -> gradients of the sublayer's parameters.
  virtual std::vector<at::Tensor> unpack(const std::vector<at::Tensor>& sums) const = 0;
};

/// A residual sublayer, state + dropout(sublayer(norm(state))), as the kernels of model/kernels compute it.
class FusedSublayer {
 public:
  /// @param parameters of float32 on the CPU
  explicit FusedSublayer(std::vector<at::Tensor> parameters) : parameters_(std::move(parameters)) {}
  virtual ~FusedSublayer() = default;

  const std::vector<at::Tensor>& parameters() const { return parameters_; }
  virtual std::unique_ptr<const PackedSublayer> pack(const Kernels& kernels) const = 0;

 protected:
  /// Its values, outside of any graph.
  at::Tensor parameter(size_t number) const;

 private:
  std::vector<at::Tensor> parameters_;
};

}  // namespace causalfm::model
