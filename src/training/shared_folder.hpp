#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/storage/file_system.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace causalfm::training {

/// The lowest rank that does not see a file which rank 0 has written; none where all do. Collective.
/// @throws CommunicationError
std::optional<int64_t> first_rank_without(const std::filesystem::path& file, storage::FileSystem& file_system,
                                          comm::Communicator& communicator);

}  // namespace causalfm::training
