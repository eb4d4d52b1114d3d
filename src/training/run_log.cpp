#include "training/run_log.hpp"

#include "causalfm/storage/error.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

namespace causalfm::training {

RunLog::RunLog(spdlog::logger& log, const std::filesystem::path& file, bool everything) : log_(log) {
  try {
    sink_ = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
  } catch (const spdlog::spdlog_ex& error) {
    throw storage::StorageError(fmt::format("{}: {}: make the run folder writable", file.string(), error.what()));
  }
  sink_->set_pattern("%Y-%m-%d %H:%M:%S %l: %v");
  sink_->set_level(everything ? spdlog::level::trace : spdlog::level::warn);
  log_.sinks().push_back(sink_);
}

RunLog::~RunLog() {
  log_.flush();
  std::erase(log_.sinks(), sink_);
}

}  // namespace causalfm::training
