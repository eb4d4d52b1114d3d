#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

namespace causalfm::evaluation {

/// What AdamW (Loshchilov & Hutter 2019) does in one step.
struct PerceptronStep {
  double learning_rate;
  double weight_decay;  ///< times the learning rate, off every parameter
};

/// A perceptron inputs - hidden - hidden - outputs with SiLU between them, in float32, with its own backward pass and
/// AdamW: as part of many small fits, autograd's bookkeeping would cost more than the arithmetic. Knows no thread;
/// computes with the caller's.
class Perceptron {
 public:
  /// Weights normal with variance 2 / inputs of the layer (He et al. 2015), those of the last layer a tenth of it,
  /// biases 0; a pure function of (seed, stream).
  Perceptron(int64_t inputs, int64_t hidden, int64_t outputs, uint64_t seed, uint64_t stream);

  /// [rows, outputs] of `features` [rows, inputs].
  at::Tensor operator()(const at::Tensor& features) const;

  /// One step down the mean over rows of the squared error when `target` is [rows, outputs] float32, of the
  /// cross-entropy of a softmax over outputs when it is [rows] int64.
  void learn(const at::Tensor& features, const at::Tensor& target, const PerceptronStep& step);

  /// All parameters in one vector, shared: to keep and to put back.
  const at::Tensor& parameters() const { return parameters_; }

 private:
  struct Layer {
    at::Tensor weight;  ///< [outputs, inputs]
    at::Tensor bias;    ///< [outputs]
  };
  using Layers = std::array<Layer, 3>;

  Layers views(const at::Tensor& flat) const;
  void update(const PerceptronStep& step);

  std::array<int64_t, 4> widths_;
  at::Tensor parameters_;
  at::Tensor gradients_;
  at::Tensor first_moment_;
  at::Tensor second_moment_;
  Layers layers_;
  Layers gradient_layers_;
  int64_t updates_ = 0;
};

/// Mean over rows of the loss that Perceptron::learn goes down, in float64 sums.
double perceptron_loss(const at::Tensor& outputs, const at::Tensor& target);

}  // namespace causalfm::evaluation
