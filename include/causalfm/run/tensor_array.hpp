#pragma once

#include "causalfm/storage/array.hpp"

#include <ATen/core/Tensor.h>

#include <string>

/// Between tensors and the arrays of files.
namespace causalfm::run {

/// Contiguous and on the CPU, with its element type. @throws storage::StorageError naming `name` if files hold no such
/// elements.
struct StorableTensor {
  at::Tensor tensor;
  storage::ElementType type;

  storage::ArrayView view() const { return {type, tensor.sizes().vec(), tensor.const_data_ptr()}; }
};
StorableTensor storable(const at::Tensor& tensor, const std::string& name);

/// A copy of the elements.
at::Tensor to_tensor(const storage::Array& array);

}  // namespace causalfm::run
