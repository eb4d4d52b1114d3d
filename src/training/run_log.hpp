#pragma once

#include <spdlog/common.h>

#include <filesystem>

namespace spdlog {
class logger;
}

namespace causalfm::training {

/// Copies what a logger says into a run's log.txt while this object lives: all of it from rank 0, warnings and errors
/// from other ranks. @throws storage::StorageError when the file cannot be opened.
class RunLog {
 public:
  RunLog(spdlog::logger& log, const std::filesystem::path& file, bool everything);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

 private:
  spdlog::logger& log_;
  spdlog::sink_ptr sink_;
};

}  // namespace causalfm::training
