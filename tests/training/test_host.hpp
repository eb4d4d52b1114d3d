#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/storage/file_system.hpp"
#include "causalfm/training/train.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <functional>
#include <memory>

namespace causalfm::training {

/// What a test's rank finds around it: a silent log and the real disk or, where it is given, another.
class TestHost {
 public:
  explicit TestHost(
      comm::Communicator& communicator, std::function<bool()> stop_requested = [] { return false; },
      storage::FileSystem* disk = nullptr)
      : real_disk_(storage::make_real_file_system()),
        log_("test", std::make_shared<spdlog::sinks::null_sink_mt>()),
        host_{communicator,
              disk != nullptr ? *disk : *real_disk_,
              log_,
              nullptr,
              c10::kCPU,
              1,
              "test",
              {},
              std::move(stop_requested)} {}

  const Host& host() const { return host_; }

 private:
  std::shared_ptr<storage::FileSystem> real_disk_;
  spdlog::logger log_;
  Host host_;
};

}  // namespace causalfm::training
