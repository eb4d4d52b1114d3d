#pragma once

#include "causalfm/comm/communicator.hpp"

#include <cstdint>

namespace causalfm::comm {

/// Makes `rounds` rounds of random collectives, some at a time, and compares each with a plain evaluation in double
/// of what all ranks brought (every rank draws the input of all from `seed`). Collective; fails the running test.
void check_random_collectives(Communicator& communicator, uint64_t seed, int rounds);

}  // namespace causalfm::comm
