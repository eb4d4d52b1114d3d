#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace causalfm::model {

/// The learnable tensors of a model by name, in one fixed order, as views of one flat buffer; their gradients are views
/// of another with the same layout, so that an optimizer and a reduction each touch one tensor. Zero gradients with
/// flat_gradients().zero_(); never reset or replace the gradient of an entry, or backward leaves the flat buffer.
/// Every parameter starts on a 64-byte boundary; the gaps hold zeros and stay zero.
class Parameters {
 public:
  struct Entry {
    std::string name;    ///< such as encoder_star/block0/attention/query_key_value/weight
    at::Tensor value;    ///< leaf that requires a gradient, a view of flat_values()
    int64_t offset = 0;  ///< first element in the flat buffers
  };

  /// @param options dtype (float32 or float64) and device of every parameter
  explicit Parameters(at::TensorOptions options) : options_(options) {}

  /// Registers a parameter and returns its tensor (contents: `initial`, [shape]); before seal() only.
  /// @throws ModelError when the name is taken or the parameters are sealed.
  at::Tensor add(std::string name, const at::Tensor& initial);

  /// Lays all parameters into the flat buffers; tensors returned by add() keep their identity.
  void seal();

  const std::vector<Entry>& entries() const { return entries_; }
  const at::Tensor& flat_values() const { return flat_values_; }        ///< [elements]
  const at::Tensor& flat_gradients() const { return flat_gradients_; }  ///< [elements], accumulated by backward
  const at::TensorOptions& options() const { return options_; }
  int64_t count() const;  ///< learnable numbers, gaps excluded

  /// The entry of that name. @throws ModelError for an unknown name.
  const Entry& find(std::string_view name) const;

  /// Copies `value` into the parameter of that name, converting dtype and device.
  /// @throws ModelError for an unknown name or another shape.
  void assign(std::string_view name, const at::Tensor& value);

 private:
  at::TensorOptions options_;
  std::vector<Entry> entries_;
  at::Tensor flat_values_;
  at::Tensor flat_gradients_;
};

}  // namespace causalfm::model
