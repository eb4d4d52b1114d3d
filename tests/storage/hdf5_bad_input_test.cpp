#include "causalfm/storage/error.hpp"
#include "causalfm/storage/hdf5_reader.hpp"
#include "causalfm/storage/hdf5_writer.hpp"
#include "storage/python.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace causalfm::storage {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <typename Call>
std::string sentence(Call call) {
  try {
    call();
  } catch (const StorageError& error) {
    return error.what();
  }
  return "no error";
}

Hdf5Reader sample_reader() {
  Hdf5Writer writer("causalfm-test", 2);
  writer.write("group/x", view(std::vector<float>(12), {3, 4}));
  writer.write("scalar", ArrayView{ElementType::float64, {}, std::vector<double>{1}.data()});
  writer.write_strings("names", {"a", "b"});
  return Hdf5Reader(writer.finish(), "runs/a.h5");
}

TEST(Hdf5BadInputTest, FormatAndVersionAreExpected) {
  const Hdf5Reader reader = sample_reader();
  EXPECT_NO_THROW(reader.expect("causalfm-test", 2));
  EXPECT_NO_THROW(reader.expect("causalfm-test", 3));
  EXPECT_THAT(sentence([&] { reader.expect("causalfm-test", 1); }),
              AllOf(HasSubstr("runs/a.h5: its version is 2"), HasSubstr("up to 1"), HasSubstr("newer causalfm")));
  EXPECT_THAT(sentence([&] { reader.expect("causalfm-shard", 2); }),
              HasSubstr("runs/a.h5: its format is causalfm-test, not causalfm-shard"));
}

TEST(Hdf5BadInputTest, SentencesNameFileDatasetAndCause) {
  const Hdf5Reader reader = sample_reader();
  EXPECT_THAT(sentence([&] { reader.read("group/y"); }), HasSubstr("runs/a.h5: group/y: cannot open the dataset"));
  EXPECT_THAT(sentence([&] { reader.read("group"); }), HasSubstr("runs/a.h5: group: "));
  EXPECT_THAT(sentence([&] { reader.read("names"); }), HasSubstr("runs/a.h5: names: its elements are none of"));
  EXPECT_THAT(sentence([&] { reader.read_strings("group/x"); }), HasSubstr("group/x: it is not a list of texts"));
  EXPECT_THAT(sentence([&] { reader.list("nothing"); }), HasSubstr("nothing: cannot open the group"));
  EXPECT_THAT(sentence([&] { reader.attribute("/", "nothing"); }), HasSubstr("cannot read attribute nothing"));
  EXPECT_THAT(sentence([&] { reader.attribute_as<double>("/", "format"); }), HasSubstr("attribute format is of"));
  for (const auto& [first, count] : {std::pair{0, 4}, {3, 1}, {-1, 1}, {1, -1}, {4, 0}}) {
    EXPECT_THAT(sentence([&, first = first, count = count] { reader.read_rows("group/x", first, count); }),
                HasSubstr("group/x: rows"));
  }
  EXPECT_THAT(sentence([&] { reader.read_rows("scalar", 0, 1); }), HasSubstr("scalar: it is a scalar"));
}

TEST(Hdf5BadInputTest, FilesThatAreNone) {
  const TemporaryFolder folder;
  std::ofstream(folder / "text.h5") << "not HDF5";
  EXPECT_THAT(sentence([&] { Hdf5Reader(folder / "none.h5"); }), HasSubstr("none.h5: cannot open it: No such file"));
  EXPECT_THAT(sentence([&] { Hdf5Reader(folder / "text.h5"); }), HasSubstr("text.h5: cannot open it as HDF5"));
  EXPECT_THAT(sentence([&] { Hdf5Reader reader(folder.path()); }), HasSubstr("cannot open it as HDF5"));
  EXPECT_THAT(sentence([&] { Hdf5Reader({}, "nothing"); }), HasSubstr("nothing: cannot open it as HDF5: it is empty"));
}

TEST(Hdf5BadInputTest, WritingTwiceOrIntoADatasetOrAfterTheEndIsRefused) {
  const std::vector<float> values{1, 2};
  Hdf5Writer writer("test", 1, "out.h5");
  writer.write("x", view(values));
  EXPECT_THAT(sentence([&] { writer.write("x", view(values)); }), HasSubstr("out.h5: x: cannot create the dataset"));
  EXPECT_THAT(sentence([&] { writer.write("x/y", view(values)); }), HasSubstr("out.h5: x/y: "));
  EXPECT_THAT(sentence([&] { writer.write("", view(values)); }), HasSubstr("out.h5"));
  EXPECT_THAT(sentence([&] { writer.set_attribute("/", "format", "other"); }), HasSubstr("attribute format"));
  EXPECT_THAT(sentence([&] { writer.set_attribute("x", "long", std::string(70'000, 'a')); }),
              AllOf(HasSubstr("attribute long has 70000 bytes"), HasSubstr("write it as a dataset")));
  EXPECT_THAT(sentence([&] { writer.write_strings("names", {std::string("a\0b", 3)}); }), HasSubstr("NUL"));
  EXPECT_THAT(sentence([&] {
                writer.write("negative", ArrayView{ElementType::uint8, {-1}, nullptr});
              }),
              HasSubstr("[-1]"));
  Hdf5Reader whole(writer.finish(), "out.h5");
  EXPECT_EQ(whole.read("x").as<float>().size(), 2U);
  EXPECT_NE(sentence([&] { writer.write("z", view(values)); }), "no error");
  EXPECT_NE(sentence([&] { writer.finish(); }), "no error");
}

TEST(Hdf5BadInputTest, FilesOfOthersAreReadOrRefusedWithASentence) {
  const TemporaryFolder folder;
  const std::string file = (folder / "other.h5").string();
  run_python("import h5py, numpy as np\nf = h5py.File('" + file + R"(', 'w')
f['big_endian'] = np.arange(5, dtype='>f8')
f['compressed'] = np.arange(6, dtype='i4').reshape(2, 3)
f['variable'] = ['one', 'two words', '']
f['half'] = np.zeros(3, 'f2')
f['short'] = np.zeros(3, 'i2')
f['bool'] = np.zeros(3, bool)
f['null'] = h5py.Empty('f4')
f.attrs['text'] = 'variable'
f.attrs['small'] = np.int16(-3)
f.attrs['texts'] = ['a', 'bc']
f.attrs['complex'] = 1j
)");
  const Hdf5Reader reader(file);
  EXPECT_THAT(reader.read("big_endian").as<double>(), testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(reader.read_rows("compressed", 1, 1).as<int32_t>(), testing::ElementsAre(3, 4, 5));
  EXPECT_THAT(reader.read_strings("variable"), testing::ElementsAre("one", "two words", ""));
  EXPECT_EQ(reader.attribute("/", "text"), AttributeValue("variable"));
  EXPECT_EQ(reader.attribute("/", "small"), AttributeValue(-3));
  EXPECT_EQ(reader.attribute("/", "texts"), AttributeValue(std::vector<std::string>{"a", "bc"}));
  for (const char* name : {"half", "short", "bool"}) {
    EXPECT_THAT(sentence([&] { reader.read(name); }), HasSubstr("its elements are none of")) << name;
  }
  EXPECT_THAT(sentence([&] { reader.attribute("/", "complex"); }), HasSubstr("neither text nor number"));
  EXPECT_THAT(sentence([&] { reader.expect("causalfm-shard", 1); }), HasSubstr("no attributes format and version"));
  EXPECT_NE(sentence([&] { reader.read("null"); }), "no error");
}

}  // namespace
}  // namespace causalfm::storage
