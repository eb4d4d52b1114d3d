#include "simulation/assignment.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "causalfm/philox.hpp"

namespace causalfm::simulation {
namespace {

/// The draws of one star, one after the other.
class Draws {
 public:
  Draws(int64_t seed, int64_t star)
      : key_(philox_key(static_cast<uint64_t>(seed), RandomStream::assignment)), star_(static_cast<uint64_t>(star)) {}

  /// Uniform in 0 ... bound - 1.
  int64_t below(int64_t bound) {
    const PhiloxBlock block = philox4x32(star_, next_block_++, key_);
    return static_cast<int64_t>(uniform_integer(block[0], block[1], static_cast<uint64_t>(bound)));
  }

 private:
  PhiloxKey key_;
  uint64_t star_;
  uint64_t next_block_ = 0;
};

/// Moves `count` elements, drawn without repeats and in random order, to the front (Fisher & Yates).
void draw_to_front(std::vector<int32_t>& elements, int64_t count, Draws& draws) {
  const auto size = static_cast<int64_t>(elements.size());
  for (int64_t position = 0; position < std::min(count, size - 1); ++position) {
    std::swap(elements[position], elements[position + draws.below(size - position)]);
  }
}

std::vector<int32_t> balanced(std::vector<int32_t> instruments, int64_t curves, Draws& draws) {
  const auto distinct = static_cast<int64_t>(instruments.size());
  std::vector<int32_t> assigned;
  assigned.reserve(static_cast<size_t>(curves));
  for (int64_t repeat = 0; repeat < curves / distinct; ++repeat) {
    assigned.insert(assigned.end(), instruments.begin(), instruments.end());
  }
  draw_to_front(instruments, curves % distinct, draws);
  assigned.insert(assigned.end(), instruments.begin(), instruments.begin() + curves % distinct);
  draw_to_front(assigned, curves, draws);
  return assigned;
}

std::vector<int32_t> independent(int64_t instruments, int64_t curves, Draws& draws) {
  std::vector<int32_t> assigned(static_cast<size_t>(curves));
  std::generate(assigned.begin(), assigned.end(), [&] { return static_cast<int32_t>(draws.below(instruments)); });
  return assigned;
}

/// A TESS star falls into 2 to 6 sectors' cameras.
std::vector<int32_t> some_of(std::vector<int32_t> instruments, int64_t curves, Draws& draws) {
  const int64_t drawn = 2 + draws.below(5);
  const int64_t seen = std::min({drawn, curves, static_cast<int64_t>(instruments.size())});
  draw_to_front(instruments, seen, draws);
  instruments.resize(static_cast<size_t>(seen));
  return balanced(std::move(instruments), curves, draws);
}

}  // namespace

std::vector<int32_t> assign_instruments(const config::Simulation& settings, int64_t star) {
  Draws draws(settings.seed, star);
  if (settings.assignment == config::Assignment::uniform) {
    return independent(settings.instruments, settings.curves_per_star, draws);
  }
  std::vector<int32_t> instruments(static_cast<size_t>(settings.instruments));
  std::iota(instruments.begin(), instruments.end(), 0);
  if (settings.assignment == config::Assignment::sparse) {
    return some_of(std::move(instruments), settings.curves_per_star, draws);
  }
  return balanced(std::move(instruments), settings.curves_per_star, draws);
}

}  // namespace causalfm::simulation
