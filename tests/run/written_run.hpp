#pragma once

#include "causalfm/config/load.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/run/metrics.hpp"
#include "causalfm/run/summary.hpp"
#include "storage/temporary_folder.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace causalfm::run {

/// The folder of a run of which a test writes each file, and says when.
class WrittenRun {
 public:
  WrittenRun(storage::FileSystem& files, const std::filesystem::path& folder, const config::Config& settings)
      : files_(files), run_(RunFolder::create(files, folder)) {
    run_.write_config(config::to_yaml(settings));
  }

  const RunFolder& folder() const { return run_; }

  /// Steps of `seconds` each at `rate` curves/s, with losses that fall by 0.01 a step from 10.
  void train(int64_t first, int64_t count, double seconds = 0.5, double rate = 400.0) {
    MetricsWriter writer(files_, run_.metrics_file());
    for (int64_t step = first; step < first + count; ++step) {
      writer.write({{"step", step},
                    {"loss", 10.0 - 0.01 * static_cast<double>(step)},
                    {"curves_per_second", rate},
                    {"seconds", seconds * static_cast<double>(step + 1)}});
    }
  }

  void validate(int64_t step, double loss) {
    MetricsWriter(files_, run_.metrics_file())
        .write({{"step", step}, {"validation_loss", loss}, {"validation_star_recall", 0.25}});
  }

  void end(Ending ending, int64_t steps, const std::string& reason = "") {
    Summary summary;
    summary.ended = ending;
    summary.steps = steps;
    summary.ranks = 4;
    summary.seconds = 7200.0;
    summary.reason = reason;
    write_summary(files_, run_.summary_file(), summary);
  }

  void lock(const std::string& text) { files_.write_new(run_.path() / "lock.json", std::as_bytes(std::span(text))); }

  /// Lets all files but those changed after this call be of `ago` before now.
  void age(std::chrono::seconds ago) const {
    const auto time = std::filesystem::file_time_type::clock::now() - ago;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(run_.path())) {
      std::filesystem::last_write_time(entry.path(), time);
    }
  }

 private:
  storage::FileSystem& files_;
  RunFolder run_;
};

}  // namespace causalfm::run
