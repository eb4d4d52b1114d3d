#include "causalfm/storage/error.hpp"
#include "causalfm/storage/file_system.hpp"
#include "causalfm/storage/hdf5_reader.hpp"
#include "causalfm/storage/hdf5_writer.hpp"
#include "storage/random_content.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <thread>

namespace causalfm::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Hdf5RoundTripTest, RandomArraysComeBackBitForBit) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 60; ++trial) {
    Hdf5Writer writer("test", 1);
    std::map<std::string, Array> written;
    for (int i = 0; i < 8; ++i) {
      const std::string name = (i % 2 == 0 ? "group/deep" + std::to_string(i % 3) + "/" : "") + std::to_string(i);
      const Array array = random_array(random, every_type[random() % 5], random_shape(random));
      writer.write(name, array.view());
      written.emplace(name, array);
    }
    const Hdf5Reader reader(writer.finish(), "memory");
    for (const auto& [name, array] : written) {
      EXPECT_EQ(reader.type(name), array.type());
      EXPECT_EQ(reader.shape(name), array.shape());
      EXPECT_TRUE(equal(reader.read(name), array)) << name << " " << to_string(array.shape());
    }
  }
}

TEST(Hdf5RoundTripTest, RandomRowsOfArraysOfManyChunks) {
  std::mt19937_64 random(2);
  const std::vector<std::vector<int64_t>> shapes{{70'001, 10}, {3, 400'000}, {1'500'000}, {2, 3, 300'000}, {0, 5}};
  Hdf5Writer writer("test", 1);
  std::vector<Array> arrays;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    arrays.push_back(random_array(random, ElementType::float32, shapes[i]));
    writer.write(std::to_string(i), arrays.back().view());
  }
  const Hdf5Reader reader(writer.finish(), "memory");
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const auto rows = static_cast<uint64_t>(shapes[i].front());
    const std::size_t row_bytes = rows == 0 ? 0 : arrays[i].bytes().size() / rows;
    for (int trial = 0; trial < 20; ++trial) {
      const uint64_t first = random() % (rows + 1);
      const uint64_t count = random() % (rows - first + 1);
      const Array part = reader.read_rows(std::to_string(i), static_cast<int64_t>(first), static_cast<int64_t>(count));
      const auto expected = arrays[i].bytes().subspan(first * row_bytes, count * row_bytes);
      EXPECT_EQ(part.shape().front(), static_cast<int64_t>(count));
      ASSERT_TRUE(std::equal(part.bytes().begin(), part.bytes().end(), expected.begin(), expected.end()));
    }
  }
}

TEST(Hdf5RoundTripTest, RandomTexts) {
  std::mt19937_64 random(3);
  for (int trial = 0; trial < 30; ++trial) {
    std::vector<std::string> texts(random() % 30);
    for (std::string& text : texts) {
      text = random_text(random);
    }
    Hdf5Writer writer("test", 1);
    writer.write_strings("survey/mission", texts);
    writer.set_attribute("/", "one", random_text(random) + "x");
    writer.set_attribute("/", "texts", texts);
    const Hdf5Reader reader(writer.finish(), "memory");
    EXPECT_EQ(reader.read_strings("survey/mission"), texts);
    EXPECT_EQ(reader.attribute_as<std::vector<std::string>>("/", "texts"), texts);
  }
}

TEST(Hdf5RoundTripTest, AttributesOfEveryKindAndPlace) {
  const std::vector<std::pair<std::string, AttributeValue>> values{
      {"text", "ä sentence"},
      {"empty", ""},
      {"long", std::string(50'000, 'y')},
      {"whole", std::numeric_limits<int64_t>::min()},
      {"infinite", -std::numeric_limits<double>::infinity()},
      {"tiny", std::numeric_limits<double>::denorm_min()},
      {"wholes", std::vector<int64_t>{1, -2}},
      {"numbers", std::vector<double>{0.1, 1e300}},
      {"none", std::vector<double>{}},
      {"model/time_span", 99.0},
  };
  Hdf5Writer writer("test", 1);
  writer.write("group/data", view(std::vector<float>{1}));
  for (const char* object : {"/", "group/data", "group", "fresh/group"}) {
    for (const auto& [name, value] : values) {
      writer.set_attribute(object, name, value);
    }
  }
  const Hdf5Reader reader(writer.finish(), "memory");
  for (const char* object : {"/", "group/data", "group", "fresh/group"}) {
    const auto read = reader.attributes(object);
    EXPECT_EQ(read.size(), values.size() + (std::string(object) == "/" ? 2 : 0));
    for (const auto& [name, value] : values) {
      EXPECT_EQ(read.at(name), value) << name;
    }
  }
  EXPECT_TRUE(reader.has_attribute("/", "text"));
  EXPECT_FALSE(reader.has_attribute("/", "texts"));
}

TEST(Hdf5RoundTripTest, NotANumberStaysNotANumber) {
  Hdf5Writer writer("test", 1);
  writer.set_attribute("/", "loss", std::nan(""));
  EXPECT_TRUE(std::isnan(Hdf5Reader(writer.finish(), "memory").attribute_as<double>("/", "loss")));
}

TEST(Hdf5RoundTripTest, ListsWhatIsThere) {
  Hdf5Writer writer("causalfm-test", 3);
  for (const char* name : {"b/two", "b/one", "a", "c/d/e"}) {
    writer.write(name, view(std::vector<uint8_t>{1}));
  }
  const Hdf5Reader reader(writer.finish(), "memory");
  EXPECT_EQ(reader.format(), "causalfm-test");
  EXPECT_EQ(reader.version(), 3);
  EXPECT_THAT(reader.list("/"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(reader.list("b"), ElementsAre("one", "two"));
  EXPECT_TRUE(reader.is_group("c/d"));
  EXPECT_FALSE(reader.is_group("c/d/e"));
  EXPECT_TRUE(reader.has("/"));
  EXPECT_TRUE(reader.has("c/d/e"));
  EXPECT_TRUE(reader.has("/c/d"));
  EXPECT_FALSE(reader.has("c/x/e"));
  EXPECT_FALSE(reader.has("a/x"));
  EXPECT_FALSE(reader.has(""));
}

std::vector<std::byte> sample_file() {
  std::mt19937_64 random(4);
  Hdf5Writer writer("test", 1);
  for (int i = 0; i < 12; ++i) {
    const std::string group(1, static_cast<char>('a' + i % 5));
    writer.write(group + "/" + std::to_string(i), random_array(random, every_type[i % 5], {1 + i * 17, 3, 5}).view());
  }
  writer.write("uneven", random_array(random, ElementType::float64, {100'003, 3}).view());
  writer.write("scalar", random_array(random, ElementType::float64, {}).view());
  writer.write_strings("names", {"a", "bcd", ""});
  writer.set_attribute("b", "numbers", std::vector<double>{1, 2, 3});
  return writer.finish();
}

TEST(Hdf5RoundTripTest, EqualContentIsEqualBytesWheneverAndInWhateverMemory) {
  const std::vector<std::byte> first = sample_file();
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // the resolution of HDF5's object times
  ::mallopt(M_PERTURB, 0x5a);
  const std::vector<std::byte> second = sample_file();
  ::mallopt(M_PERTURB, 0);
  EXPECT_EQ(first, second);
}

TEST(Hdf5RoundTripTest, SmallFilesStaySmall) {
  Hdf5Writer writer("test", 1);
  writer.write("x", view(std::vector<float>(1000)));
  EXPECT_LT(writer.finish().size(), 4000U + 4096U);
}

TEST(Hdf5RoundTripTest, ReadsFromDiskAndFilesThatAreReplacedWhileOpen) {
  const TemporaryFolder folder;
  const auto files = make_real_file_system();
  const auto write = [&](float value) {
    Hdf5Writer writer("test", 1);
    writer.write("x", view(std::vector<float>(1000, value)));
    files->write_new(folder / "new", writer.finish());
    files->rename(folder / "new", folder / "file.h5");
  };
  write(1);
  const Hdf5Reader old_reader(folder / "file.h5");
  write(2);
  const Hdf5Reader new_reader(folder / "file.h5");
  EXPECT_EQ(old_reader.read("x").as<float>().back(), 1);
  EXPECT_EQ(new_reader.read("x").as<float>().back(), 2);
}

/// The core driver would take two files of one name for the same.
TEST(Hdf5RoundTripTest, FilesInMemoryOfOneNameStayApart) {
  const auto make = [](float value) {
    Hdf5Writer writer("test", 1, "same");
    writer.write("x", view(std::vector<float>{value}));
    return writer.finish();
  };
  const Hdf5Reader one(make(1), "same");
  const Hdf5Reader two(make(2), "same");
  EXPECT_EQ(one.read("x").as<float>().front(), 1);
  EXPECT_EQ(two.read("x").as<float>().front(), 2);
}

TEST(Hdf5RoundTripTest, ObjectsMove) {
  Hdf5Writer writer("test", 1);
  Hdf5Writer moved(std::move(writer));
  moved.write("x", view(std::vector<float>{1}));
  Hdf5Reader reader(moved.finish(), "one");
  Hdf5Writer other("test", 2);
  reader = Hdf5Reader(other.finish(), "two");
  EXPECT_EQ(reader.version(), 2);
  EXPECT_EQ(reader.name(), "two");
}

TEST(Hdf5RoundTripTest, ThreadsReadAndWriteAtOnce) {
  std::vector<std::thread> threads;
  std::vector<int> whole(4, 0);
  for (std::size_t number = 0; number < whole.size(); ++number) {
    threads.emplace_back([&whole, number] {
      std::mt19937_64 random(number);
      for (int trial = 0; trial < 25; ++trial) {
        const Array array = random_array(random, ElementType::int64, {100, 30});
        Hdf5Writer writer("test", 1);
        writer.write("x", array.view());
        const Hdf5Reader reader(writer.finish(), "memory");
        bool refused = false;
        try {
          reader.read("y");
        } catch (const StorageError&) {
          refused = true;
        }
        whole[number] += refused && equal(reader.read("x"), array) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_THAT(whole, testing::Each(25));
}

}  // namespace
}  // namespace causalfm::storage
