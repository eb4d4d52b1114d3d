#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "causalfm/data/dataset_writer.hpp"
#include "causalfm/data/source.hpp"
#include "storage/python.hpp"
#include "storage/temporary_folder.hpp"

namespace causalfm::data {
namespace {

using storage::run_python;
using storage::TemporaryFolder;

/// The Python code of a Markdown file, block by block.
std::vector<std::string> python_blocks(const std::string& file) {
  std::ifstream lines(file);
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "```python") blocks.emplace_back();
    if (inside && line != "```") blocks.back() += line + "\n";
    inside = line == "```python" || (inside && line != "```");
  }
  return blocks;
}

class DatasetInPython : public testing::Test {
 protected:
  DatasetInPython() {
    settings_.stars = 30;
    settings_.curves_per_star = 4;
    settings_.length = 20;
    write_simulated_dataset(*storage::make_real_file_system(), settings_, dataset(), 0, 1, [] {});
  }

  std::string run(const std::string& script) const {
    return run_python("import os\nos.chdir('" + folder_.path().string() + "')\nfolder = 'data/paper'\n" + script);
  }

  std::filesystem::path dataset() const { return folder_ / "data/paper"; }

  config::Simulation settings_;
  TemporaryFolder folder_;
};

TEST_F(DatasetInPython, TheDocumentedLinesRun) {
  const std::vector<std::string> blocks = python_blocks(CAUSALFM_DOCS_FOLDER "/data-format.md");
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(run(blocks[0] + "print(flux.shape, time.shape, star[5], instrument.dtype)\n"), "(120, 20) (20,) 1 int32\n");
  EXPECT_EQ(run(blocks[1] + "print(flux.shape, theta.shape)\n"), "(120, 20) (120, 13)\n");
  EXPECT_EQ(run(blocks[2] + "print('right')\n"), "right\n");
}

TEST_F(DatasetInPython, EveryDatasetCarriesAChecksumAndTheContractsType) {
  EXPECT_EQ(run("import h5py\n"
                "shard = h5py.File(f'{folder}/shard-00000.h5')\n"
                "def show(name, item):\n"
                "    if isinstance(item, h5py.Dataset):\n"
                "        assert item.fletcher32, name\n"
                "        print(name, item.shape, item.dtype)\n"
                "shard.visititems(show)\n"),
            "flux (120, 20) float32\n"
            "instrument_id (120,) int32\n"
            "observation_id (120,) int64\n"
            "star_id (120,) int64\n"
            "time (20,) float32\n"
            "truth/beta (17, 17) float64\n"
            "truth/gamma (17, 17) float64\n"
            "truth/phase (120, 12) float64\n"
            "truth/theta (120, 13) float64\n");
}

TEST_F(DatasetInPython, WrittenByItADataSetIsReadHere) {
  run("import h5py, hashlib, json, numpy\n"
      "with h5py.File(f'{folder}/mine.h5', 'w') as file:\n"
      "    file.attrs['format'], file.attrs['version'] = 'causalfm-shard', 1\n"
      "    file['flux'] = numpy.ones((3, 4), 'f4')\n"
      "    file['time'] = numpy.arange(4, dtype='f4')\n"
      "    file['star_id'] = numpy.array([1, 1, 2], 'i8')\n"
      "    file['observation_id'] = numpy.array([7, 8, 9], 'i8')\n"
      "    file['instrument_id'] = numpy.array([0, 1, 1], 'i4')\n"
      "data = {'format': 'causalfm-dataset', 'version': 1, 'identity': 'mine', 'rows': 3, 'length': 4, 'stars': 2,\n"
      "        'catalogue': 'mine', 'time_system': 'days', 'flux_unit': 'relative',\n"
      "        'instruments': [{'id': i, 'name': f'camera {i}', 'key': {}, 'rows': i + 1} for i in range(2)],\n"
      "        'shards': [{'file': 'mine.h5', 'rows': 3,\n"
      "                    'sha256': hashlib.sha256(open(f'{folder}/mine.h5', 'rb').read()).hexdigest()}],\n"
      "        'source': {}}\n"
      "own = json.dumps(data)[:-1]\n"
      "open(f'{folder}/dataset.json', 'w').write(\n"
      "    own + ', \"sha256\": \"' + hashlib.sha256(own.encode()).hexdigest() + '\"}')\n");
  const auto source = open_shards(dataset());
  EXPECT_EQ(source->rows(), 3);
  std::vector<float> flux(4);
  const int64_t row = 2;
  source->read({&row, 1}, {.flux = flux, .time = {}, .mask = {}});
  EXPECT_EQ(flux, std::vector<float>(4, 1.0F));
}

}  // namespace
}  // namespace causalfm::data
