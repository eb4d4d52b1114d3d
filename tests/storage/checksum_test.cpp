#include "causalfm/storage/checksum.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace causalfm::storage {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// FIPS 180-2, appendix B.
TEST(Sha256Test, KnowsTheStandardsExamples) {
  EXPECT_EQ(sha256_hex(bytes("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex(bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(bytes(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PiecesMakeTheWholeAndTheObjectStartsAnew) {
  Sha256 sha256;
  for (const char* piece : {"a", "", "bc"}) {
    sha256.update(bytes(piece));
  }
  EXPECT_EQ(sha256.finish_hex(), sha256_hex(bytes("abc")));
  sha256.update(bytes("abc"));
  EXPECT_EQ(sha256.finish_hex(), sha256_hex(bytes("abc")));
}

}  // namespace
}  // namespace causalfm::storage
