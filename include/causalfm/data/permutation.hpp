#pragma once

#include <cstdint>

namespace causalfm::data {

/// A permutation of 0 ... size-1 that is computed, not stored: any element in O(1) time and memory, the same on every
/// rank and machine. A Feistel network on the digits of the smallest near-square grid a x b >= size, whose rounds add
/// Philox draws modulo a and b in turn (Black & Rogaway 2002, "Ciphers with arbitrary finite domains"); values that
/// fall outside are walked on.
class Permutation {
 public:
  /// Equal (seed, epoch, size) give the equal permutation; another epoch gives an independent one.
  /// @throws DataError when size < 1.
  Permutation(int64_t size, uint64_t seed, uint64_t epoch);

  int64_t size() const { return static_cast<int64_t>(size_); }

  /// Where `position` goes, 0 <= position < size.
  int64_t operator()(int64_t position) const;

 private:
  uint64_t encrypt(uint64_t value) const;

  uint64_t size_;
  uint64_t rows_;
  uint64_t columns_;
  uint64_t seed_;
  uint64_t epoch_;
};

}  // namespace causalfm::data
