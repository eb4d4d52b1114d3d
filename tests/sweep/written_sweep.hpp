#pragma once

#include "causalfm/config/load.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/run/metrics.hpp"
#include "causalfm/run/summary.hpp"
#include "causalfm/sweep/folder.hpp"
#include "causalfm/sweep/trial.hpp"
#include "storage/temporary_folder.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <vector>

namespace causalfm::sweep {

/// A sweep whose trials are written by the test instead of trained.
class WrittenSweep {
 public:
  explicit WrittenSweep(const std::string& yaml, const config::Config& base = {})
      : files_(storage::make_real_file_system()),
        description_(describe(yaml, "sweep.yaml", base)),
        folder_(SweepFolder::create(*files_, temporary_.path() / "sweep", yaml, description_)),
        trials_(trials_of(description_, "sweep.yaml")) {}

  const SweepFolder& folder() const { return folder_; }
  const Description& description() const { return description_; }
  const std::vector<Trial>& trials() const { return trials_; }
  storage::FileSystem& files() { return *files_; }

  /// A run that has validated with these recalls, every `every` steps, while its loss fell.
  void train(const Trial& trial, const std::vector<double>& recalls, int64_t every, run::Ending ending) {
    run::RunFolder run = run::RunFolder::create(*files_, folder_.run(trial));
    run.write_config(config::to_yaml(trial.config));
    run::MetricsWriter writer(*files_, run.metrics_file());
    int64_t step = 0;
    for (const double recall : recalls) {
      for (const int64_t end = step + every; step < end; ++step) {
        writer.write({{"step", step}, {"loss", 1.0}, {"curves_per_second", 10.0}, {"seconds", 0.1}});
      }
      writer.write(
          {{"step", step}, {"validation_loss", 10.0 - static_cast<double>(step)}, {"validation_star_recall", recall}});
    }
    run::Summary summary;
    summary.ended = ending;
    summary.steps = step;
    run::write_summary(*files_, run.summary_file(), summary);
  }

 private:
  storage::TemporaryFolder temporary_;
  std::shared_ptr<storage::FileSystem> files_;
  Description description_;
  SweepFolder folder_;
  std::vector<Trial> trials_;
};

}  // namespace causalfm::sweep
