#include "causalfm/data/permutation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "causalfm/data/error.hpp"
#include "data/chi_square.hpp"

namespace causalfm::data {
namespace {

std::vector<int64_t> elements(int64_t size, uint64_t seed, uint64_t epoch) {
  const Permutation permutation(size, seed, epoch);
  std::vector<int64_t> all;
  for (int64_t position = 0; position < size; ++position) all.push_back(permutation(position));
  return all;
}

TEST(Permutation, HoldsEveryElementOnce) {
  for (const int64_t size : {1,   2,   3,   4,    5,    6,    7,    8,    9,    15,   16,   17,    31,    97,   99,
                             100, 101, 127, 1000, 1023, 1024, 1025, 4093, 4096, 9409, 9999, 10000, 10001, 32768}) {
    for (const uint64_t epoch : {0ULL, 1ULL, 77ULL}) {
      std::vector<int64_t> all = elements(size, 7, epoch);
      std::sort(all.begin(), all.end());
      for (int64_t i = 0; i < size; ++i) ASSERT_EQ(all[i], i) << "size " << size << ", epoch " << epoch;
    }
  }
}

TEST(Permutation, ReachesFarBeyondWhatCouldBeStored) {
  const int64_t size = (int64_t{1} << 52) + 12345;
  const Permutation permutation(size, 7, 0);
  std::vector<int64_t> some;
  for (int64_t position = 0; position < 1000; ++position) {
    some.push_back(permutation(position * (size / 1000)));
    ASSERT_GE(some.back(), 0);
    ASSERT_LT(some.back(), size);
  }
  std::sort(some.begin(), some.end());
  EXPECT_EQ(std::adjacent_find(some.begin(), some.end()), some.end());
}

TEST(Permutation, EveryOrderOfAFewElementsIsEquallyFrequent) {
  for (const auto& [size, orders] :
       std::vector<std::pair<int64_t, size_t>>{{2, 2}, {3, 6}, {4, 24}, {5, 120}, {6, 720}}) {
    std::map<std::vector<int64_t>, int64_t> seen;
    for (uint64_t epoch = 0; epoch < 20000; ++epoch) ++seen[elements(size, 11, epoch)];
    ASSERT_EQ(seen.size(), orders);
    std::vector<int64_t> counts;
    for (const auto& [order, count] : seen) counts.push_back(count);
    EXPECT_LT(chi_square_in_sigmas(counts), 4.0) << size << " elements";
  }
}

TEST(Permutation, EveryElementIsEquallyFrequentAtEveryPosition) {
  for (const int64_t size : {7, 16, 25, 50}) {
    std::vector<int64_t> counts(static_cast<size_t>(size * size), 0);
    std::vector<int64_t> neighbours(static_cast<size_t>(size), 0);
    for (uint64_t epoch = 0; epoch < 4000; ++epoch) {
      const std::vector<int64_t> all = elements(size, 3, epoch);
      for (int64_t position = 0; position < size; ++position) ++counts[position * size + all[position]];
      ++neighbours[(all[1] - all[0] + size) % size];
    }
    EXPECT_LT(chi_square_in_sigmas(counts), 4.0) << size;
    EXPECT_EQ(neighbours[0], 0);
    neighbours.erase(neighbours.begin());
    EXPECT_LT(chi_square_in_sigmas(neighbours), 4.0) << size;
  }
}

TEST(Permutation, SeedsAndEpochsDiffer) {
  EXPECT_NE(elements(100, 7, 0), elements(100, 7, 1));
  EXPECT_NE(elements(100, 7, 0), elements(100, 8, 0));
  EXPECT_EQ(elements(100, 7, 3), elements(100, 7, 3));
}

// From a program of its own in another language, written after the headers' definitions.
TEST(Permutation, NeverChangesSilently) {
  EXPECT_EQ(elements(10, 7, 0), (std::vector<int64_t>{4, 1, 5, 0, 6, 7, 3, 9, 2, 8}));
}

TEST(Permutation, OfNothingIsRefused) { EXPECT_THROW(Permutation(0, 7, 0), DataError); }

}  // namespace
}  // namespace causalfm::data
