#pragma once

#include "causalfm/config/config.hpp"
#include "config/keys.hpp"

#include <random>

namespace causalfm::config {

/// Gives the key a random value in its range that differs from the one it has, if there is another.
void change(const Key& key, std::mt19937_64& random);

/// A valid configuration: random values of every key, drawn again until all relations hold.
Config random_config(std::mt19937_64& random);

}  // namespace causalfm::config
