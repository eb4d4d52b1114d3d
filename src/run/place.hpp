#pragma once

#include "causalfm/run/folder.hpp"
#include "causalfm/run/state.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace causalfm::run {

/// The content of a lock.json.
std::string place_text(const Place& place);

/// What a lock.json says, as far as it does. None where it is damaged.
std::optional<Place> parse_place(std::span<const std::byte> content);

/// The same of a run's. None also where it is gone, or is being written.
std::optional<Place> read_place(storage::FileSystem& file_system, const RunFolder& run);

}  // namespace causalfm::run
