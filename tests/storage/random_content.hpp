#pragma once

#include "causalfm/storage/array.hpp"

#include <random>
#include <string>
#include <vector>

namespace causalfm::storage {

inline constexpr ElementType every_type[] = {ElementType::float32, ElementType::float64, ElementType::int32,
                                             ElementType::int64, ElementType::uint8};

/// Any bits, so also NaN with payloads, infinities and denormal numbers.
inline Array random_array(std::mt19937_64& random, ElementType type, std::vector<int64_t> shape) {
  Array array(type, std::move(shape));
  for (std::byte& byte : array.bytes()) {
    byte = static_cast<std::byte>(random() >> 56);
  }
  return array;
}

/// Up to four dimensions of 0 to 12; none is a scalar.
inline std::vector<int64_t> random_shape(std::mt19937_64& random) {
  std::vector<int64_t> shape(random() % 5);
  for (int64_t& size : shape) {
    size = random() % 10 == 0 ? 0 : static_cast<int64_t>(random() % 13);
  }
  return shape;
}

inline std::string random_text(std::mt19937_64& random) {
  static constexpr const char* pieces[] = {"a", "Z", " ", "\n", "ä", "☉", "\"", "/", "0"};
  std::string text;
  for (std::size_t length = random() % 20; length > 0; --length) {
    text += pieces[random() % std::size(pieces)];
  }
  return text;
}

inline bool equal(const Array& a, const Array& b) {
  return a.type() == b.type() && a.shape() == b.shape() &&
         std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin(), b.bytes().end());
}

}  // namespace causalfm::storage
