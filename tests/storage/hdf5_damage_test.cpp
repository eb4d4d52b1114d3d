#include "causalfm/storage/error.hpp"
#include "causalfm/storage/file_system.hpp"
#include "causalfm/storage/hdf5_reader.hpp"
#include "causalfm/storage/hdf5_writer.hpp"
#include "storage/random_content.hpp"
#include "storage/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <optional>
#include <random>

namespace causalfm::storage {
namespace {

/// Everything that a reader can see.
struct Content {
  std::map<std::string, std::pair<std::vector<int64_t>, std::vector<std::byte>>> arrays;
  std::map<std::string, std::vector<std::string>> texts;
  std::map<std::string, std::map<std::string, AttributeValue>> attributes;

  bool operator==(const Content&) const = default;
};

void collect(const Hdf5Reader& reader, const std::string& group, Content& content) {
  content.attributes[group] = reader.attributes(group);
  for (const std::string& name : reader.list(group)) {
    const std::string path = group == "/" ? name : group + "/" + name;
    if (reader.is_group(path)) {
      collect(reader, path, content);
      continue;
    }
    content.attributes[path] = reader.attributes(path);
    if (name == "texts") {
      content.texts[path] = reader.read_strings(path);
    } else {
      const Array array = reader.read(path);
      content.arrays[path] = {array.shape(), {array.bytes().begin(), array.bytes().end()}};
    }
  }
}

/// None if the damage was detected.
std::optional<Content> read_all(std::span<const std::byte> bytes) {
  try {
    Content content;
    collect(Hdf5Reader(bytes, "damaged"), "/", content);
    return content;
  } catch (const StorageError&) {
    return std::nullopt;
  }
}

/// A bit of everything: groups of few and many links, one and several chunks, many and long attributes.
std::vector<std::byte> sample_file(int64_t rows) {
  std::mt19937_64 random(5);
  Hdf5Writer writer("causalfm-test", 1);
  writer.write("one/chunk", random_array(random, ElementType::float32, {rows, 25}).view());
  writer.write("chunks", random_array(random, ElementType::int64, {rows * 200, 7}).view());
  writer.write("scalar", random_array(random, ElementType::float64, {}).view());
  writer.write("nothing", random_array(random, ElementType::int32, {0, 4}).view());
  writer.write_strings("texts", {"TESS", "Kepler", ""});
  for (int i = 0; i < 20; ++i) {
    writer.write("many/" + std::to_string(i), random_array(random, ElementType::uint8, {3}).view());
    writer.set_attribute("/", "number" + std::to_string(i), i * 0.1);
  }
  writer.set_attribute("/", "configuration", std::string(6000, 'c'));
  writer.set_attribute("one", "list", std::vector<int64_t>{1, 2, 3});
  return writer.finish();
}

void flip(std::vector<std::byte>& bytes, uint64_t bit) { bytes[bit / 8] ^= std::byte{1} << (bit % 8); }

struct Outcome {
  int detected = 0;
  int harmless = 0;
  std::vector<uint64_t> silent;
};

void try_flip(std::vector<std::byte>& bytes, uint64_t bit, const Content& whole, Outcome& outcome) {
  flip(bytes, bit);
  const std::optional<Content> content = read_all(bytes);
  flip(bytes, bit);
  if (!content.has_value()) {
    ++outcome.detected;
  } else if (*content == whole) {
    ++outcome.harmless;
  } else {
    outcome.silent.push_back(bit);
  }
}

void record(const Outcome& outcome) {
  testing::Test::RecordProperty("detected", outcome.detected);
  testing::Test::RecordProperty("harmless", outcome.harmless);
  EXPECT_TRUE(outcome.silent.empty()) << outcome.silent.size() << " silent flips, first at bit "
                                      << outcome.silent.front();
  EXPECT_GT(outcome.detected, outcome.harmless);
}

TEST(Hdf5DamageTest, RandomBitFlipsAreDetectedOrChangeNothing) {
  std::vector<std::byte> bytes = sample_file(300);
  const Content whole = read_all(bytes).value();
  std::mt19937_64 random(6);
  Outcome outcome;
  for (int trial = 0; trial < 500; ++trial) {
    try_flip(bytes, random() % (bytes.size() * 8), whole, outcome);
  }
  record(outcome);
}

/// Mostly metadata, where HDF5's own checksums are the only guard.
TEST(Hdf5DamageTest, RandomBitFlipsInASmallFileAreDetectedOrChangeNothing) {
  std::vector<std::byte> bytes = sample_file(1);
  const Content whole = read_all(bytes).value();
  std::mt19937_64 random(7);
  Outcome outcome;
  for (int trial = 0; trial < 1500; ++trial) {
    try_flip(bytes, random() % (bytes.size() * 8), whole, outcome);
  }
  record(outcome);
}

TEST(Hdf5DamageLong, EveryBitOfASmallFile) {
  std::vector<std::byte> bytes = sample_file(1);
  const Content whole = read_all(bytes).value();
  Outcome outcome;
  for (uint64_t bit = 0; bit < bytes.size() * 8; ++bit) {
    try_flip(bytes, bit, whole, outcome);
  }
  record(outcome);
}

TEST(Hdf5DamageTest, TruncationAtEveryKindOfPlaceIsDetected) {
  const std::vector<std::byte> bytes = sample_file(300);
  const std::span<const std::byte> whole(bytes);
  for (std::size_t size = 0; size < bytes.size(); size += size < 200 ? 1 : 4001) {
    EXPECT_FALSE(read_all(whole.first(size)).has_value()) << size;
  }
  for (std::size_t missing = 1; missing < 200; ++missing) {
    EXPECT_FALSE(read_all(whole.first(bytes.size() - missing)).has_value()) << missing;
  }
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

TEST(Hdf5DamageTest, DamagedFilesOnDiskAreClosed) {
  const TemporaryFolder folder;
  const auto files = make_real_file_system();
  std::vector<std::byte> bytes = sample_file(1);
  std::mt19937_64 random(9);
  const std::ptrdiff_t before = open_descriptors();
  for (int trial = 0; trial < 200; ++trial) {
    const uint64_t bit = random() % (bytes.size() * 8);
    flip(bytes, bit);
    files->write_new(folder / "damaged.h5", bytes);
    flip(bytes, bit);
    try {
      Content content;
      collect(Hdf5Reader(folder / "damaged.h5"), "/", content);
    } catch (const StorageError&) {
    }
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Hdf5DamageTest, NoiseIsDetected) {
  const std::vector<std::byte> bytes = sample_file(30);
  const Content whole = read_all(bytes).value();
  std::mt19937_64 random(8);
  for (std::size_t first = 0; first + 512 <= bytes.size(); first += 512) {
    std::vector<std::byte> noisy = bytes;
    for (std::size_t i = 0; i < 512; ++i) {
      noisy[first + i] = static_cast<std::byte>(random());
    }
    const std::optional<Content> content = read_all(noisy);
    EXPECT_TRUE(!content.has_value() || *content == whole) << first;
  }
}

}  // namespace
}  // namespace causalfm::storage
