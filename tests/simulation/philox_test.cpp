#include "causalfm/philox.hpp"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace causalfm {
namespace {

// kat_vectors of the authors' Random123, philox4x32 with 10 rounds.
TEST(Philox, AuthorsKnownAnswers) {
  EXPECT_EQ(philox4x32(PhiloxBlock{0, 0, 0, 0}, {0, 0}), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32(PhiloxBlock{ones, ones, ones, ones}, {ones, ones}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32(PhiloxBlock{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, CounterOfTwoHalvesIsLowWordFirst) {
  const PhiloxKey key{0xa4093822, 0x299f31d0};
  EXPECT_EQ(philox4x32(0x0370734413198a2eULL, 0x85a308d3243f6a88ULL, key),
            philox4x32(PhiloxBlock{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, key));
}

TEST(Philox, KeysOfSeedsAndStreamsDiffer) {
  std::set<std::pair<uint32_t, uint32_t>> keys;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    for (uint64_t stream = 1; stream <= 11; ++stream) {
      const PhiloxKey key = philox_key(seed, static_cast<RandomStream>(stream));
      keys.insert({key.low, key.high});
    }
  }
  EXPECT_EQ(keys.size(), 11000U);
}

TEST(Philox, UniformDoubleStaysBelowOne) {
  EXPECT_EQ(uniform_double(0, 0), 0.0);
  EXPECT_EQ(uniform_double(0xffffffff, 0xffffffff), 1.0 - 0x1.0p-53);
  EXPECT_EQ(uniform_double(0x80000000, 0), 0.5);
  EXPECT_EQ(uniform_double(0, 1 << 11), 0x1.0p-53);
}

TEST(Philox, UniformIntegerStaysBelowItsBound) {
  EXPECT_EQ(uniform_integer(0, 0, 17), 0U);
  EXPECT_EQ(uniform_integer(0xffffffff, 0xffffffff, 17), 16U);
  EXPECT_EQ(uniform_integer(0x80000000, 0, 17), 8U);
  EXPECT_EQ(uniform_integer(0xffffffff, 0xffffffff, 1), 0U);
}

}  // namespace
}  // namespace causalfm
