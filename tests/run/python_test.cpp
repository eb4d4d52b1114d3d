#include "storage/python.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/run/metrics.hpp"
#include "causalfm/run/summary.hpp"
#include "run/sample_checkpoint.hpp"
#include "storage/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace causalfm::run {
namespace {

/// A run is a folder of which everything opens in Python in three lines (design, contract 6).
class RunInPythonTest : public testing::Test {
 protected:
  void SetUp() override {
    run_.write_config("seed: 7\n");
    run_.save_checkpoint(sample_checkpoint(500));
    MetricsWriter writer(*files_, run_.metrics_file());
    writer.write({{"step", 0}, {"loss", std::nan("")}});
    writer.write({{"step", 1}, {"loss", 0.1}});
    Summary summary;
    summary.steps = 500;
    write_summary(*files_, run_.summary_file(), summary);
  }

  std::string python(const std::string& lines) {
    return storage::run_python("run = '" + run_.path().string() + "'\n" + lines);
  }

  storage::TemporaryFolder folder_;
  std::shared_ptr<storage::FileSystem> files_ = storage::make_real_file_system();
  RunFolder run_ = RunFolder::create(*files_, folder_ / "run");
};

TEST_F(RunInPythonTest, Checkpoint) {
  EXPECT_EQ(python(R"(import h5py
f = h5py.File(run + '/checkpoints/' + open(run + '/checkpoints/latest').read().strip())
print(f['model/encoder_star/block0/attention/weight'].shape, f['model/scale'][()], f.attrs['step'])
)"),
            "(20, 3) 0.1 500\n");
  EXPECT_EQ(python(R"(import h5py, json
f = h5py.File(run + '/checkpoints/step-00000500.h5')
print(json.loads(f.attrs['versions'])['libtorch'], f['numbers'].attrs['model/time_span'], f.attrs['best_value'])
print(f.attrs['configuration'].decode().splitlines()[0], f.attrs['format'].decode(), f.attrs['version'])
)"),
            "2.11.0 99.0 51.25\nseed: 7 causalfm-checkpoint 1\n");
}

TEST_F(RunInPythonTest, MetricsSummaryAndConfiguration) {
  EXPECT_EQ(python(R"(import json
lines = [json.loads(line) for line in open(run + '/metrics.jsonl')]
print([float(line['loss']) for line in lines])
)"),
            "[nan, 0.1]\n");
  EXPECT_EQ(python("import json\ns = json.load(open(run + '/summary.json'))\nprint(s['ended'], s['steps'])\n"),
            "completed 500\n");
  EXPECT_EQ(python("import yaml\nprint(yaml.safe_load(open(run + '/config.yaml')))\n"), "{'seed': 7}\n");
}

}  // namespace
}  // namespace causalfm::run
