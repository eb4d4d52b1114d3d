#pragma once

#include "causalfm/storage/array.hpp"
#include "causalfm/storage/hdf5_reader.hpp"
#include "causalfm/storage/hdf5_writer.hpp"

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

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

/// In the order in which they were written.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// A dataset for each tensor, and `names_dataset` with their names in order.
void write_named(storage::Hdf5Writer& writer, const std::string& names_dataset, const NamedTensors& tensors);
NamedTensors read_named(const storage::Hdf5Reader& reader, const std::string& names_dataset);

/// Null where there is no tensor of that name.
const at::Tensor* find_named(const NamedTensors& tensors, const std::string& name);

}  // namespace causalfm::run
