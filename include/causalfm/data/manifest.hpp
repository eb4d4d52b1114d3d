#pragma once

#include "causalfm/data/source.hpp"
#include "causalfm/storage/file_system.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace causalfm::data {

inline constexpr const char* manifest_file = "dataset.json";
inline constexpr const char* dataset_format = "causalfm-dataset";
inline constexpr int64_t dataset_version = 1;

struct ShardEntry {
  std::string file;  ///< a plain name, in the data set's folder
  int64_t rows = 0;
  std::string sha256;  ///< of the file, hex
};

/// What dataset.json holds (docs/data-format.md). Rows are numbered through the shards in their order here.
struct Manifest {
  std::string identity;
  int64_t rows = 0;
  int64_t length = 0;
  int64_t stars = 0;
  std::string catalogue;
  std::string time_system;
  std::string flux_unit;
  std::vector<Instrument> instruments;
  std::vector<ShardEntry> shards;
  std::string source = "{}";  ///< where the data come from, a JSON object as text
};

/// dataset.json as text, its own sha256 last. Equal manifests give equal text.
std::string to_text(const Manifest& manifest);

/// Names that are not known are ignored. `name` stands for the file in sentences.
/// @throws DataError when the text is no manifest, of a higher version, does not match its own sha256, or disagrees
///         with itself (rows of shards, of instruments, and of the whole).
Manifest parse_manifest(std::string_view text, const std::string& name);

/// @throws DataError when the folder or its dataset.json is missing or unreadable, and as parse_manifest does.
Manifest read_manifest(storage::FileSystem& file_system, const std::filesystem::path& folder);

/// Replaces the folder's dataset.json, whole or not at all. @throws storage::StorageError
void write_manifest(storage::FileSystem& file_system, const std::filesystem::path& folder, const Manifest& manifest);

}  // namespace causalfm::data
