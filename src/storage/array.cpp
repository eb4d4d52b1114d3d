#include "causalfm/storage/array.hpp"

#include <limits>

namespace causalfm::storage {

namespace {

std::size_t byte_count(ElementType type, const std::vector<int64_t>& shape) {
  const auto count = static_cast<std::size_t>(element_count(shape));
  if (count > std::numeric_limits<std::size_t>::max() / element_size(type)) {
    throw StorageError("an array of shape " + to_string(shape) +
                       " has more bytes than a machine can address: " + "correct the shape");
  }
  return count * element_size(type);
}

}  // namespace

std::string to_string(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return "float32";
    case ElementType::float64:
      return "float64";
    case ElementType::int32:
      return "int32";
    case ElementType::int64:
      return "int64";
    case ElementType::uint8:
      return "uint8";
  }
  throw StorageError("an element type that does not exist: a defect of the caller");
}

std::size_t element_size(ElementType type) {
  switch (type) {
    case ElementType::float32:
    case ElementType::int32:
      return 4;
    case ElementType::float64:
    case ElementType::int64:
      return 8;
    case ElementType::uint8:
      return 1;
  }
  throw StorageError("an element type that does not exist: a defect of the caller");
}

std::string to_string(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    text += (axis == 0 ? "" : ", ") + std::to_string(shape[axis]);
  }
  return text + "]";
}

int64_t element_count(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  bool too_large = false;
  for (const int64_t size : shape) {
    if (size < 0) {
      throw StorageError("an array has the shape " + to_string(shape) + ": give sizes of 0 or more");
    }
    if (size == 0) {
      return 0;
    }
    too_large = too_large || __builtin_mul_overflow(count, size, &count);
  }
  if (too_large) {
    throw StorageError("an array of shape " + to_string(shape) + " has more than 2^63 elements: correct the shape");
  }
  return count;
}

Array::Array(ElementType type, std::vector<int64_t> shape)
    : type_(type), shape_(std::move(shape)), bytes_(byte_count(type, shape_)) {}

void Array::require_type(ElementType asked) const {
  if (asked != type_) {
    throw StorageError("an array of " + to_string(type_) + " was asked for as " + to_string(asked) +
                       ": write it as that type, or read it as it is");
  }
}

}  // namespace causalfm::storage
