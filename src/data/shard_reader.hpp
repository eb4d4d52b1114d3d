#pragma once

#include "causalfm/data/manifest.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/storage/file_system.hpp"
#include "causalfm/storage/hdf5_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// How the bytes of one shard become checked rows. Everything here throws DataError, never StorageError.
namespace causalfm::data {

/// What of a shard is read when a data set is opened.
struct ShardIds {
  ObservationTable observations;
  bool has_mask = false;
  std::vector<float> shared_time;  ///< [T] when the shard's rows share one grid, else empty
};

/// Rows of a shard as a source gives them out: flux is 0 where masked, mask is 0 or 1.
struct Curves {
  std::vector<float> flux;    ///< [rows, T]
  std::vector<uint8_t> mask;  ///< [rows, T], or empty: all is observed
  std::vector<float> time;    ///< [rows, T], or empty: the shard's shared grid
};

/// Checks format, version, names, types and shapes against dataset.json, and ids one by one, and reads the ids.
ShardIds read_ids(const storage::Hdf5Reader& reader, const ShardEntry& entry, const Manifest& manifest);

/// Reads and checks `count` rows from `first` on of a shard that read_ids has accepted: with its mask if it has one,
/// with times if each row has its own.
/// @throws DataError also when an observed flux, or a time, is not finite.
Curves read_curves(const storage::Hdf5Reader& reader, int64_t first, int64_t count, bool has_mask, bool has_own_time);

/// Names under truth/ and survey/, sorted.
std::vector<std::string> column_names(const storage::Hdf5Reader& reader);

/// One of these columns, with `rows` rows (a column of instruments: as many as there are).
Column read_column(const storage::Hdf5Reader& reader, const std::string& name, int64_t rows);

/// The file's bytes, whose sha256 is what dataset.json says.
std::vector<std::byte> read_verified(storage::FileSystem& file_system, const std::filesystem::path& file,
                                     const std::string& sha256);

}  // namespace causalfm::data
