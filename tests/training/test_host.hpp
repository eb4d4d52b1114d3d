#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/storage/file_system.hpp"
#include "causalfm/training/train.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <functional>
#include <memory>

namespace causalfm::training {

/// What a test's rank finds around it: a silent log and the real disk.
class TestHost {
 public:
  explicit TestHost(
      comm::Communicator& communicator, std::function<bool()> stop_requested = [] { return false; })
      : file_system_(storage::make_real_file_system()),
        log_("test", std::make_shared<spdlog::sinks::null_sink_mt>()),
        host_{communicator, *file_system_, log_, nullptr, c10::kCPU, 1, "test", {}, std::move(stop_requested)} {}

  const Host& host() const { return host_; }

 private:
  std::shared_ptr<storage::FileSystem> file_system_;
  spdlog::logger log_;
  Host host_;
};

}  // namespace causalfm::training
