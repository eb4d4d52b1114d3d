#pragma once

#include "causalfm/model/parameters.hpp"

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace causalfm::model {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Every parameter as a leaf to differentiate.
NamedTensors leaves_of(const Parameters& parameters);

/// Compares the gradients that backward gives of a fixed random combination of the elements of `function()` with
/// central differences, for every element of every leaf (double), to 1e-7 of the leaf's largest gradient.
void expect_gradients(const std::function<at::Tensor()>& function, const NamedTensors& leaves);

/// The same along two random directions a leaf: for functions of many numbers.
void expect_gradients_along_directions(const std::function<at::Tensor()>& function, const NamedTensors& leaves);

}  // namespace causalfm::model
