#pragma once

#include "causalfm/model/parameters.hpp"
#include "causalfm/model/products.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace causalfm::model {

/// Where a layer registers its parameters: a path of names under which each draws its initial values.
/// A value depends on (seed, full name, element) alone, so not on the order of layers, and is drawn in double and cast:
/// models in float32 and float64 start equal up to rounding.
class Scope {
 public:
  Scope(Parameters& parameters, uint64_t seed, Products products = Products::full)
      : parameters_(&parameters), seed_(seed), products_(products) {}

  /// The scope `name` inside this one.
  Scope operator/(std::string_view name) const;

  /// A new parameter drawn from U(-bound, bound).
  at::Tensor uniform(std::string_view name, at::IntArrayRef shape, double bound) const;

  /// A new parameter with every element `value`.
  at::Tensor constant(std::string_view name, at::IntArrayRef shape, double value) const;

  /// All that are registered under it so far.
  std::vector<at::Tensor> parameters() const;

  const at::TensorOptions& options() const { return parameters_->options(); }
  Products products() const { return products_; }  ///< of the encoders' layers

 private:
  std::string full_name(std::string_view name) const;

  Parameters* parameters_;
  uint64_t seed_;
  Products products_;
  std::string path_;
};

}  // namespace causalfm::model
