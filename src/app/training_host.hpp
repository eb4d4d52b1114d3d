#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/storage/file_system.hpp"
#include "causalfm/training/train.hpp"
#include "app/job.hpp"

#include <functional>
#include <memory>

namespace causalfm::app {

/// What a configuration makes of this process for training: communicator, device, threads.
class TrainingHost {
 public:
  /// Sets LibTorch's number of threads and its arithmetic on a GPU. Collective. @throws ConfigError when a device or
  /// backend cannot serve.
  TrainingHost(Job& job, const config::Config& settings, std::function<bool()> stop_requested);

  const training::Host& host() const { return *host_; }

 private:
  std::unique_ptr<comm::Communicator> communicator_;
  std::shared_ptr<storage::FileSystem> file_system_;
  std::unique_ptr<training::Host> host_;
};

}  // namespace causalfm::app
