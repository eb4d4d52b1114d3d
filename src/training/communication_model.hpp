#pragma once

#include "causalfm/comm/call.hpp"
#include "causalfm/training/plan.hpp"

#include <cstdint>

namespace causalfm::training {

/// How fast the links are by which a rank reaches the next one.
struct Links {
  double bytes_per_second;
  double latency;  ///< seconds of one message
};

/// Those of the job's slowest connection: inside a node as long as all ranks are on one.
Links links_of(const Hardware& hardware, int64_t ranks);

/// What `volume` of one collective costs a rank, by the usual model of latency and bandwidth (Thakur, Rabenseifner and
/// Gropp 2005, section 3): a ring sends 2 (N-1)/N of the bytes for a reduction to all, (N-1)/N for a gather or a
/// scatter; a binary tree twice all bytes in 2 log2 N messages.
CollectivePlan cost_of(comm::Collective collective, const comm::Traffic::Volume& volume, const Links& links,
                       int64_t ranks);

}  // namespace causalfm::training
