#include "causalfm/run/checkpoint.hpp"
#include "causalfm/storage/error.hpp"
#include "run/sample_checkpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace causalfm::run {
namespace {

/// Damage must end in a StorageError that names the file, or change nothing.
testing::AssertionResult detected_or_harmless(std::span<const std::byte> damaged, const Checkpoint& whole) {
  try {
    if (equal(decode(damaged, "runs/a.h5"), whole)) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << "other content was read";
  } catch (const storage::StorageError& error) {
    const bool named = std::string(error.what()).find("runs/a.h5") == 0;
    return named ? testing::AssertionSuccess() : testing::AssertionFailure() << error.what();
  }
}

class CheckpointDamageTest : public testing::Test {
 protected:
  const Checkpoint whole_ = sample_checkpoint(500, 400);
  const std::vector<std::byte> bytes_ = encode(whole_);
  std::mt19937_64 random_{1};
};

TEST_F(CheckpointDamageTest, BitFlips) {
  std::vector<std::byte> bytes = bytes_;
  for (int trial = 0; trial < 1000; ++trial) {
    const uint64_t bit = random_() % (bytes.size() * 8);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_TRUE(detected_or_harmless(bytes, whole_)) << "bit " << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

TEST_F(CheckpointDamageTest, Truncation) {
  const std::span<const std::byte> all(bytes_);
  for (std::size_t size = 0; size < all.size(); size += 1 + random_() % 500) {
    EXPECT_THROW(decode(all.first(size), "runs/a.h5"), storage::StorageError) << size;
  }
  EXPECT_THROW(decode(all.first(all.size() - 1), "runs/a.h5"), storage::StorageError);
}

/// Also whole chunks with their Fletcher32, which is zero for zeros: the SHA-256 must see it.
TEST_F(CheckpointDamageTest, ZeroesOfEveryLength) {
  for (const std::size_t length : {512U, 4096U, 32'004U, 40'000U}) {
    for (std::size_t first = 0; first + length <= bytes_.size(); first += 256) {
      std::vector<std::byte> bytes = bytes_;
      std::memset(bytes.data() + first, 0, length);
      EXPECT_TRUE(detected_or_harmless(bytes, whole_)) << length << " from " << first;
    }
  }
}

TEST_F(CheckpointDamageTest, ZeroesOverOneChunkAreSeenByTheWholeChecksum) {
  const at::Tensor weight = whole_.tensors.front().second.contiguous();
  const auto* const data = static_cast<const std::byte*>(weight.const_data_ptr());
  const auto found = std::search(bytes_.begin(), bytes_.end(), data, data + weight.nbytes());
  ASSERT_NE(found, bytes_.end());
  std::vector<std::byte> bytes = bytes_;
  std::memset(bytes.data() + (found - bytes_.begin()), 0, weight.nbytes() + 4);
  try {
    decode(bytes, "runs/a.h5");
    ADD_FAILURE() << "zeros were read as weights";
  } catch (const storage::StorageError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("runs/a.h5: its content is not what its sha256 was taken of"));
  }
}

TEST_F(CheckpointDamageTest, SwappedBlocks) {
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<std::byte> bytes = bytes_;
    const std::size_t a = random_() % (bytes.size() / 512) * 512;
    const std::size_t b = random_() % (bytes.size() / 512) * 512;
    std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(a),
                     bytes.begin() + static_cast<std::ptrdiff_t>(a) + 256,
                     bytes.begin() + static_cast<std::ptrdiff_t>(b));
    EXPECT_TRUE(detected_or_harmless(bytes, whole_)) << a << " " << b;
  }
}

}  // namespace
}  // namespace causalfm::run
