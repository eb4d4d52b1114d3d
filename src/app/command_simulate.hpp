#pragma once

#include "causalfm/config/config.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>

namespace causalfm::app {

/// `causalfm simulate CONFIG --out DIR`: writes section `simulation` as a data set; rank 0 says what was written.
/// Collective: every rank calls it, `barrier` returns when all ranks have called it.
/// @throws config::ConfigError when DIR holds another data set; data::DataError; storage::StorageError.
int simulate(const config::Config& settings, const std::filesystem::path& out, int64_t rank, int64_t world_size,
             const std::function<void()>& barrier, std::ostream& output);

}  // namespace causalfm::app
