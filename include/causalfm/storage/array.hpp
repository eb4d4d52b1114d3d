#pragma once

#include "causalfm/storage/error.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// Arrays as they go into files and come out of them: row-major, the machine's byte order.
namespace causalfm::storage {

enum class ElementType { float32, float64, int32, int64, uint8 };

/// "float32", …
std::string to_string(ElementType type);

/// Bytes of one element.
std::size_t element_size(ElementType type);

/// "[1999, 100]"
std::string to_string(const std::vector<int64_t>& shape);

/// Product of the dimensions; 1 for a scalar (empty shape).
/// @throws StorageError for a negative dimension or a product beyond 2^63.
int64_t element_count(const std::vector<int64_t>& shape);

template <typename T>
constexpr ElementType element_type_of() {
  if constexpr (std::is_same_v<T, float>) {
    return ElementType::float32;
  } else if constexpr (std::is_same_v<T, double>) {
    return ElementType::float64;
  } else if constexpr (std::is_same_v<T, int32_t>) {
    return ElementType::int32;
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return ElementType::int64;
  } else {
    static_assert(std::is_same_v<T, uint8_t>, "files hold float, double, int32_t, int64_t and uint8_t");
    return ElementType::uint8;
  }
}

/// What to write; the elements stay the caller's and must live until the call returns.
struct ArrayView {
  ElementType type;
  std::vector<int64_t> shape;
  const void* data;
};

/// @throws StorageError if `values` has not as many elements as `shape` says.
template <typename T>
ArrayView view(std::span<const T> values, std::vector<int64_t> shape) {
  if (element_count(shape) != static_cast<int64_t>(values.size())) {
    throw StorageError("an array of shape " + to_string(shape) + " cannot view " + std::to_string(values.size()) +
                       " elements: give the shape that the elements have");
  }
  return {element_type_of<T>(), std::move(shape), values.data()};
}

template <typename T>
ArrayView view(const std::vector<T>& values, std::vector<int64_t> shape) {
  return view(std::span<const T>(values), std::move(shape));
}

/// A one-dimensional array.
template <typename T>
ArrayView view(const std::vector<T>& values) {
  return view(std::span<const T>(values), {static_cast<int64_t>(values.size())});
}

/// What was read: owns its elements.
class Array {
 public:
  /// Elements are zero.
  Array(ElementType type, std::vector<int64_t> shape);

  ElementType type() const { return type_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::span<std::byte> bytes() { return bytes_; }
  ArrayView view() const { return {type_, shape_, bytes_.data()}; }

  /// The elements in row-major order; valid as long as the array.
  /// @throws StorageError if they are of another type.
  template <typename T>
  std::span<const T> as() const {
    require_type(element_type_of<T>());
    return {reinterpret_cast<const T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }

 private:
  void require_type(ElementType asked) const;

  ElementType type_;
  std::vector<int64_t> shape_;
  std::vector<std::byte> bytes_;
};

}  // namespace causalfm::storage
