// A race, a leak, a use after free and an overflow of our own making, one for each argument: a sanitizer build must
// report it, whatever cmake/sanitizer_defaults.cpp suppresses.
#include "causalfm/philox.hpp"

#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>
#include <thread>

namespace causalfm {
namespace {

uint64_t shared = 0;

void race() {
  const auto add = [] {
    for (int i = 0; i < 1000; ++i) shared += mix_bits(shared);
  };
  std::thread other(add);
  add();
  other.join();
}

void leak() {
  auto* lost = new uint64_t[100];
  lost[3] = mix_bits(3);
  shared = lost[3];
  lost = nullptr;
}

void use_after_free() {
  auto kept = std::make_unique<uint64_t>(mix_bits(5));
  const volatile uint64_t* freed = kept.get();
  kept.reset();
  shared = *freed;
}

void overflow() {
  volatile int largest = std::numeric_limits<int>::max();
  largest = largest + 1;
}

}  // namespace
}  // namespace causalfm

int main(int argc, char** argv) {
  const std::string_view fault = argc > 1 ? argv[1] : "";
  if (fault == "race") causalfm::race();
  if (fault == "leak") causalfm::leak();
  if (fault == "use-after-free") causalfm::use_after_free();
  if (fault == "overflow") causalfm::overflow();
  std::printf("%d\n", static_cast<int>(causalfm::shared % 2));
  return 0;
}
