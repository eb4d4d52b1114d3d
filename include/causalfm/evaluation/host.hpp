#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/config/config.hpp"
#include "causalfm/storage/file_system.hpp"

#include <c10/core/Device.h>

namespace spdlog {
class logger;
}

namespace causalfm::evaluation {

/// What a rank finds around it; handed in by the program, so that tests hand in something else.
struct Host {
  comm::Communicator& communicator;
  storage::FileSystem& file_system;
  spdlog::logger& log;  ///< rank 0 tells the story; other ranks warn and err
  c10::Device device;
  config::KernelKind kernels = config::Runtime{}.kernels;
};

}  // namespace causalfm::evaluation
