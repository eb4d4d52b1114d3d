#pragma once

#include "causalfm/run/folder.hpp"
#include "causalfm/run/state.hpp"

#include <filesystem>
#include <optional>

namespace causalfm::run {

std::filesystem::path lock_file(const RunFolder& run);

/// What lock.json says, as far as it does. None where it is gone, or is being written.
std::optional<Place> read_place(storage::FileSystem& file_system, const RunFolder& run);

}  // namespace causalfm::run
