#include "causalfm/run/tensor_array.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

namespace causalfm::run {

namespace {

at::ScalarType scalar_type_of(storage::ElementType type) {
  switch (type) {
    case storage::ElementType::float32:
      return at::kFloat;
    case storage::ElementType::float64:
      return at::kDouble;
    case storage::ElementType::int32:
      return at::kInt;
    case storage::ElementType::int64:
      return at::kLong;
    case storage::ElementType::uint8:
      return at::kByte;
  }
  throw storage::StorageError("an element type that does not exist: a defect of the caller");
}

storage::ElementType element_type_of(at::ScalarType type, const std::string& name) {
  for (const auto candidate : {storage::ElementType::float32, storage::ElementType::float64,
                               storage::ElementType::int32, storage::ElementType::int64, storage::ElementType::uint8}) {
    if (scalar_type_of(candidate) == type) {
      return candidate;
    }
  }
  throw storage::StorageError("tensor " + name + " is of type " + at::toString(type) +
                              ", which no checkpoint holds: convert it to float32, float64, int32, int64 or uint8");
}

}  // namespace

StorableTensor storable(const at::Tensor& tensor, const std::string& name) {
  return {tensor.detach().cpu().contiguous(), element_type_of(tensor.scalar_type(), name)};
}

at::Tensor to_tensor(const storage::Array& array) {
  at::Tensor tensor = at::empty(array.shape(), at::dtype(scalar_type_of(array.type())));
  if (!array.bytes().empty()) {
    std::memcpy(tensor.mutable_data_ptr(), array.bytes().data(), array.bytes().size());
  }
  return tensor;
}

void write_named(storage::Hdf5Writer& writer, const std::string& names_dataset, const NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    writer.write(name, storable(tensor, name).view());
    names.push_back(name);
  }
  writer.write_strings(names_dataset, names);
}

NamedTensors read_named(const storage::Hdf5Reader& reader, const std::string& names_dataset) {
  NamedTensors tensors;
  for (const std::string& name : reader.read_strings(names_dataset)) {
    tensors.emplace_back(name, to_tensor(reader.read(name)));
  }
  return tensors;
}

const at::Tensor* find_named(const NamedTensors& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &NamedTensors::value_type::first);
  return found == tensors.end() ? nullptr : &found->second;
}

}  // namespace causalfm::run
