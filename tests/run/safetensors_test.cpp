#include "causalfm/run/safetensors.hpp"

#include "run/sample_checkpoint.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <limits>

namespace causalfm::run {
namespace {

/// A file taken apart by the format's own words: eight bytes of length, a JSON header, data.
struct Parts {
  explicit Parts(std::vector<std::byte> content) : bytes(std::move(content)) {
    uint64_t length = 0;
    for (std::size_t i = 0; i < 8; ++i) length |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
    start = 8 + length;
    const char* const first = reinterpret_cast<const char*>(bytes.data());
    header = nlohmann::json::parse(first + 8, first + start);
  }

  std::vector<std::byte> bytes;
  std::size_t start = 0;
  nlohmann::json header;
};

TEST(Safetensors, EveryTensorIsThereBitForBitAndAligned) {
  const Checkpoint checkpoint = sample_checkpoint(500);
  const Parts parts(encode_safetensors(checkpoint, Selection::everything));
  EXPECT_EQ(parts.start % 8, 0U);
  EXPECT_EQ(parts.header.size(), checkpoint.tensors.size() + 1);
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    const nlohmann::json& entry = parts.header.at(name);
    EXPECT_EQ(entry.at("shape").get<std::vector<int64_t>>(), tensor.sizes().vec()) << name;
    const auto begin = entry.at("data_offsets").at(0).get<std::size_t>();
    const auto end = entry.at("data_offsets").at(1).get<std::size_t>();
    const at::Tensor contiguous = tensor.contiguous();
    ASSERT_EQ(end - begin, contiguous.nbytes()) << name;
    EXPECT_EQ((parts.start + begin) % tensor.element_size(), 0U) << name;
    if (end > begin) {
      EXPECT_EQ(std::memcmp(parts.bytes.data() + parts.start + begin, contiguous.const_data_ptr(), end - begin), 0);
    }
    bytes += end - begin;
  }
  EXPECT_EQ(parts.start + bytes, parts.bytes.size());
  EXPECT_EQ(parts.header.at("model/scale").at("dtype"), "F64");
  EXPECT_EQ(parts.header.at("model/nothing").at("dtype"), "F32");
  EXPECT_EQ(parts.header.at("optimizer/counter").at("dtype"), "I64");
}

TEST(Safetensors, DataHasNoHoles) {
  const Parts parts(encode_safetensors(sample_checkpoint(1, 7), Selection::everything));
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (const auto& [name, entry] : parts.header.items()) {
    if (name != "__metadata__")
      ranges.emplace_back(entry.at("data_offsets").get<std::pair<std::size_t, std::size_t>>());
  }
  std::ranges::sort(ranges);
  std::size_t end = 0;
  for (const auto& range : ranges) {
    EXPECT_EQ(range.first, end);
    end = range.second;
  }
}

TEST(Safetensors, WeightsAlone) {
  const Parts parts(encode_safetensors(sample_checkpoint(500), Selection::weights));
  EXPECT_EQ(parts.header.size(), 5U);
  for (const auto& [name, entry] : parts.header.items()) {
    EXPECT_TRUE(name == "__metadata__" || name.starts_with("model/")) << name;
  }
}

TEST(Safetensors, MetadataAreTexts) {
  Checkpoint checkpoint = sample_checkpoint(500);
  checkpoint.best_value = std::numeric_limits<double>::infinity();
  const nlohmann::json metadata = Parts(encode_safetensors(checkpoint, Selection::weights)).header.at("__metadata__");
  for (const auto& [name, value] : metadata.items()) EXPECT_TRUE(value.is_string()) << name;
  EXPECT_EQ(metadata.at("format"), "causalfm-checkpoint");
  EXPECT_EQ(metadata.at("step"), "500");
  EXPECT_EQ(metadata.at("best_value"), "inf");
  EXPECT_EQ(metadata.at("configuration"), checkpoint.configuration);
  EXPECT_EQ(metadata.at("data_identity"), checkpoint.data_identity);
  EXPECT_EQ(nlohmann::json::parse(metadata.at("versions").get<std::string>()).at("libtorch"), "2.11.0");
  EXPECT_EQ(nlohmann::json::parse(metadata.at("numbers").get<std::string>()).at("model/time_span"), 99.0);
}

TEST(Safetensors, EqualCheckpointsGiveEqualBytes) {
  EXPECT_EQ(encode_safetensors(sample_checkpoint(3), Selection::everything),
            encode_safetensors(sample_checkpoint(3), Selection::everything));
}

}  // namespace
}  // namespace causalfm::run
