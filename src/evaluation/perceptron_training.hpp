#pragma once

#include "evaluation/perceptron.hpp"
#include "evaluation/perceptron_fits.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::evaluation {

/// Standardised rows and targets, as Perceptron::learn takes them.
struct LabelledRows {
  at::Tensor features;  ///< [n, inputs] float32
  at::Tensor target;    ///< [n, 1] float32 or [n] int64
};

/// Steps that are planned for `rows` to learn from.
int64_t planned_steps(int64_t rows, const PerceptronSettings& settings);

/// A perceptron that has learned from `learned` and keeps the weights with which `held_out` fared best. A pure function
/// of its arguments; `stream` and `stream + 1` of `seed` are drawn from.
Perceptron train_perceptron(const LabelledRows& learned, const LabelledRows& held_out, int64_t outputs,
                            const PerceptronSettings& settings, uint64_t seed, uint64_t stream);

}  // namespace causalfm::evaluation
