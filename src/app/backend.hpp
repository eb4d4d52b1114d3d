#pragma once

#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/placement.hpp"
#include "causalfm/config/config.hpp"

#include <c10/core/Device.h>

#include <memory>

namespace causalfm::app {

/// How the ranks exchange tensors, and why so.
struct Backend {
  std::unique_ptr<comm::Communicator> communicator;
  comm::BackendChoice choice;
};

/// The backend that `asked` makes of ranks that compute on `device` each. Collective. `environment` is null where no
/// launcher started this process.
/// @throws ConfigError when the backend that is asked for cannot serve the ranks.
Backend make_backend(config::Backend asked, comm::MpiEnvironment* environment, c10::Device device,
                     const comm::Options& options);

}  // namespace causalfm::app
