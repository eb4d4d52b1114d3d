#pragma once

#include "causalfm/philox.hpp"

#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

namespace causalfm::evaluation {

/// A sequence of draws that is a pure function of (seed, stream, place in the sequence). Copyable; one thread at a
/// time.
class RandomDraws {
 public:
  RandomDraws(uint64_t seed, uint64_t stream) : key_(philox_key(seed, RandomStream::evaluation)), stream_(stream) {}

  /// Uniform in 0 ... bound-1.
  int64_t integer(int64_t bound) {
    const PhiloxBlock block = next();
    return static_cast<int64_t>(uniform_integer(block[0], block[1], static_cast<uint64_t>(bound)));
  }

  /// Standard normal (Box & Muller 1958).
  double normal() {
    const PhiloxBlock block = next();
    const double radius = std::sqrt(-2.0 * std::log1p(-uniform_double(block[0], block[1])));
    return radius * std::cos(2.0 * std::numbers::pi * uniform_double(block[2], block[3]));
  }

  /// Brings `elements` into a uniformly drawn order (Fisher & Yates).
  void shuffle(std::vector<int64_t>& elements) {
    for (auto left = static_cast<int64_t>(elements.size()); left > 1; --left) {
      std::swap(elements[left - 1], elements[integer(left)]);
    }
  }

 private:
  PhiloxBlock next() { return philox4x32(stream_, counter_++, key_); }

  PhiloxKey key_;
  uint64_t stream_;
  uint64_t counter_ = 0;
};

}  // namespace causalfm::evaluation
