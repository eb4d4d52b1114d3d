#pragma once

#include "causalfm/run/checkpoint.hpp"

#include <string>

namespace causalfm::run {

/// SHA-256 over everything that a Checkpoint of version 1 holds, each part with its name and length before it.
std::string content_hash(const Checkpoint& checkpoint);

}  // namespace causalfm::run
