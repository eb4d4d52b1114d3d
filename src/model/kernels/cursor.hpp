#pragma once

#include <cstdint>

namespace causalfm::model {

/// Hands out pieces of one buffer of float32, each from a 64-byte boundary; without a buffer it counts only.
/// Always inline, so that no code of one instruction set serves another.
class Cursor {
 public:
  [[gnu::always_inline]] explicit Cursor(float* buffer) : buffer_(buffer) {}

  [[gnu::always_inline]] float* take(int64_t count) {
    float* const piece = buffer_ == nullptr ? nullptr : buffer_ + used_;
    used_ += (count + 15) / 16 * 16;
    return piece;
  }

  [[gnu::always_inline]] int64_t used() const { return used_; }

 private:
  float* buffer_;
  int64_t used_ = 0;
};

}  // namespace causalfm::model
