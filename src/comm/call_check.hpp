#pragma once

#include "causalfm/comm/communicator.hpp"

namespace causalfm::comm {

/// Compares what all ranks are about to call. Collective over `channel`, a communicator of CPU tensors that carries
/// nothing else.
/// @throws CommunicationError on every rank, naming a rank of each call, when they differ.
void require_same_call(Communicator& channel, const Call& call);

}  // namespace causalfm::comm
