#include "app/memory.hpp"

#include <malloc.h>

namespace causalfm::app {

void keep_freed_memory() {
  constexpr int mebibyte = 1 << 20;
  mallopt(M_MMAP_THRESHOLD, 32 * mebibyte);
  mallopt(M_TRIM_THRESHOLD, -1);  // never
  mallopt(M_TOP_PAD, 64 * mebibyte);
}

}  // namespace causalfm::app
