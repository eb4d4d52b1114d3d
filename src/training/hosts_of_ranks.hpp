#pragma once

#include "causalfm/comm/communicator.hpp"

#include <string>
#include <vector>

namespace causalfm::training {

/// The name of each rank's host, its first 64 bytes. Collective. @throws CommunicationError
std::vector<std::string> hosts_of_ranks(comm::Communicator& communicator);

}  // namespace causalfm::training
