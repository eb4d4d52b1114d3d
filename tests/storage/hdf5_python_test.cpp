#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/hdf5_writer.hpp"
#include "storage/python.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace causalfm::storage {
namespace {

using testing::StartsWith;

class Hdf5PythonTest : public testing::Test {
 protected:
  void SetUp() override {
    Hdf5Writer writer("causalfm-test", 1);
    writer.write("flux", view(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3}));
    writer.write("truth/theta", view(std::vector<double>{0.1}));
    writer.write("star_id", view(std::vector<int64_t>{-7, 1LL << 60}));
    writer.write("instrument_id", view(std::vector<int32_t>{-7, 7}));
    writer.write("mask", view(std::vector<uint8_t>{1, 0}));
    writer.write("empty", view(std::vector<float>{}, {0, 3}));
    writer.write_strings("survey/mission", {"TESS", "Kepler ☉"});
    writer.write_strings("survey/nobody", {});
    writer.set_attribute("/", "step", int64_t{500});
    writer.set_attribute("truth", "text", "a sentence");
    replace_file(*make_real_file_system(), folder_ / "file.h5", writer.finish());
  }

  std::string python(const std::string& line) {
    return run_python("import h5py\nf = h5py.File('" + (folder_ / "file.h5").string() + "')\n" + line + "\n");
  }

  TemporaryFolder folder_;
};

TEST_F(Hdf5PythonTest, OpensInThreeLines) {
  EXPECT_EQ(python("print(f['flux'][:].tolist(), f['flux'].dtype)"), "[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]] float32\n");
  EXPECT_EQ(python("print(f['star_id'][:].tolist(), f['instrument_id'][:].tolist(), f['mask'][:].tolist())"),
            "[-7, 1152921504606846976] [-7, 7] [1, 0]\n");
  EXPECT_EQ(python("print(f['truth/theta'][0], f.attrs['step'], f['empty'].shape)"), "0.1 500 (0, 3)\n");
  EXPECT_EQ(python("print(f['survey/mission'].asstr()[:].tolist(), f['survey/nobody'].shape)"),
            "['TESS', 'Kepler ☉'] (0,)\n");
  EXPECT_EQ(python("print(f.attrs['format'].decode(), f.attrs['version'], f['truth'].attrs['text'].decode())"),
            "causalfm-test 1 a sentence\n");
}

TEST_F(Hdf5PythonTest, EveryDatasetCarriesFletcher32AndNoTime) {
  EXPECT_EQ(python(R"(names = []
f.visititems(lambda n, d: names.append(n) if isinstance(d, h5py.Dataset) else None)
print(len(names), all(f[n].fletcher32 for n in names))
print(any(h5py.h5o.get_info(f[n].id).mtime for n in names + ['/', 'truth']))
print(any(h5py.check_string_dtype(f[n].dtype) and h5py.check_string_dtype(f[n].dtype).length is None for n in names)))"),
            "8 True\nFalse\nFalse\n");
}

TEST_F(Hdf5PythonTest, LibraryBoundsAreOfVersion110) {
  EXPECT_THAT(python("print(f['flux'].id.get_create_plist().get_layout(), open(f.filename, 'rb').read()[8])"),
              StartsWith("2 3"));  // chunked; superblock version 3, HDF5 1.10's
}

}  // namespace
}  // namespace causalfm::storage
