#pragma once

#include <array>
#include <cstdint>

#ifdef __CUDACC__
#define CAUSALFM_HOST_DEVICE __host__ __device__
#else
#define CAUSALFM_HOST_DEVICE
#endif

/// The counter-based random numbers of the whole project: a draw is a pure function of (seed, stream, counter), so it
/// depends on no rank, no thread and nothing drawn before it. Belongs to no room, as the standard library does not.
/// Philox4x32-10: Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
namespace causalfm {

struct PhiloxKey {
  uint32_t low;
  uint32_t high;
};

using PhiloxBlock = std::array<uint32_t, 4>;

/// What a stream of draws is for. Streams of one seed are independent. The numbers are part of every stored data set
/// and checkpoint: never renumber.
enum class RandomStream : uint64_t {
  stellar_parameters = 1,
  phases = 2,
  instrument_scale = 3,
  instrument_offset = 4,
  noise = 5,
  assignment = 6,
  split = 7,
  anchor_order = 8,
  triplet_choice = 9,
  initialisation = 10,
  dropout = 11,
  evaluation = 12,
  sweep = 13,
};

/// Bijective mixing of 64 bits (Steele, Lea & Flood 2014, SplitMix64's finalizer).
CAUSALFM_HOST_DEVICE constexpr uint64_t mix_bits(uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

CAUSALFM_HOST_DEVICE constexpr PhiloxKey philox_key(uint64_t seed, RandomStream stream) {
  const uint64_t mixed = mix_bits(mix_bits(seed) ^ static_cast<uint64_t>(stream));
  return {static_cast<uint32_t>(mixed), static_cast<uint32_t>(mixed >> 32)};
}

/// Four independent 32-bit words for one 128-bit counter.
CAUSALFM_HOST_DEVICE constexpr PhiloxBlock philox4x32(PhiloxBlock counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key.low, static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key.high, static_cast<uint32_t>(product0)};
    key.low += 0x9E3779B9U;
    key.high += 0xBB67AE85U;
  }
  return counter;
}

/// The block of counter (high, low), each 64 bits.
CAUSALFM_HOST_DEVICE constexpr PhiloxBlock philox4x32(uint64_t high, uint64_t low, PhiloxKey key) {
  return philox4x32(PhiloxBlock{static_cast<uint32_t>(low), static_cast<uint32_t>(low >> 32),
                                static_cast<uint32_t>(high), static_cast<uint32_t>(high >> 32)},
                    key);
}

/// Uniform in [0, 1) with 53 bits, from two words.
CAUSALFM_HOST_DEVICE constexpr double uniform_double(uint32_t high, uint32_t low) {
  return static_cast<double>(((uint64_t{high} << 32) | low) >> 11) * 0x1.0p-53;
}

/// An integer in [0, bound) from two words; the bias is below bound / 2^64.
constexpr uint64_t uniform_integer(uint32_t high, uint32_t low, uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  const uint64_t word = (uint64_t{high} << 32) | low;
  return static_cast<uint64_t>((static_cast<Wide>(word) * bound) >> 64);
}

}  // namespace causalfm
