#pragma once

#include "causalfm/storage/file_system.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace causalfm::storage {

/// Makes `content` the content of `file`, whole or not at all: written beside as `.NAME.partial-PID-THREAD`, synced,
/// renamed, and the folder synced. Whatever fails or dies, `file` is as it was before or as asked for; once this
/// returns it is as asked for, also after a power failure. The folder must exist.
/// @throws StorageError; the partial file is removed if the disk still lets us.
void replace_file(FileSystem& file_system, const std::filesystem::path& file, std::span<const std::byte> content);

/// The same for text.
void replace_file(FileSystem& file_system, const std::filesystem::path& file, std::string_view content);

/// Whether a file of this name is what a replace_file that died has left behind.
bool is_partial_file(std::string_view name);

}  // namespace causalfm::storage
