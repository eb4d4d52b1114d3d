#include "data/shard_reader.hpp"

#include "causalfm/data/error.hpp"
#include "causalfm/data/shard.hpp"
#include "causalfm/storage/checksum.hpp"
#include "causalfm/storage/error.hpp"
#include "data/simulation_truth.hpp"

#include <cmath>
#include <span>

namespace causalfm::data {
namespace {

using storage::ElementType;
using storage::Hdf5Reader;

constexpr const char* remake = "run `causalfm simulate` again, or restore the shard";

[[noreturn]] void fail(const Hdf5Reader& reader, const std::string& what) {
  throw DataError("shard " + reader.name() + ": " + what + ": " + remake);
}

void check_dataset(const Hdf5Reader& reader, const std::string& dataset, ElementType type,
                   const std::vector<int64_t>& shape) {
  if (!reader.has(dataset)) {
    fail(reader, "dataset /" + dataset + " is missing");
  }
  if (reader.shape(dataset) != shape) {
    fail(reader, "dataset /" + dataset + " has shape " + storage::to_string(reader.shape(dataset)) +
                     " where dataset.json asks for " + storage::to_string(shape));
  }
  if (reader.type(dataset) != type) {
    fail(reader, "dataset /" + dataset + " holds " + storage::to_string(reader.type(dataset)) + " where " +
                     storage::to_string(type) + " belongs");
  }
}

template <typename T>
std::vector<T> to_vector(const storage::Array& array) {
  const std::span<const T> elements = array.as<T>();
  return {elements.begin(), elements.end()};
}

template <typename T>
void check_range(const Hdf5Reader& reader, const char* dataset, const std::vector<T>& ids, int64_t least,
                 int64_t greatest) {
  for (size_t row = 0; row < ids.size(); ++row) {
    if (ids[row] < least || ids[row] > greatest) {
      fail(reader, "row " + std::to_string(row) + " of /" + dataset + " is " + std::to_string(ids[row]) +
                       ", which is not between " + std::to_string(least) + " and " + std::to_string(greatest));
    }
  }
}

ObservationTable read_table(const Hdf5Reader& reader, const Manifest& manifest) {
  ObservationTable table;
  table.star_id = to_vector<int64_t>(reader.read("star_id"));
  table.observation_id = to_vector<int64_t>(reader.read("observation_id"));
  table.instrument_id = to_vector<int32_t>(reader.read("instrument_id"));
  if (reader.has("group_id")) {
    table.group_id = to_vector<int64_t>(reader.read("group_id"));
  }
  check_range(reader, "star_id", table.star_id, 0, INT64_MAX);
  check_range(reader, "observation_id", table.observation_id, 0, INT64_MAX);
  check_range(reader, "instrument_id", table.instrument_id, 0, static_cast<int64_t>(manifest.instruments.size()) - 1);
  check_range(reader, "group_id", table.group_id, -1, INT64_MAX);
  return table;
}

/// Whether all rows share one grid of times.
bool check_shapes(const Hdf5Reader& reader, int64_t rows, int64_t length) {
  check_dataset(reader, "flux", ElementType::float32, {rows, length});
  if (reader.has("mask")) {
    check_dataset(reader, "mask", ElementType::uint8, {rows, length});
  }
  const bool shares_time = reader.has("time") && reader.shape("time").size() == 1;
  check_dataset(reader, "time", ElementType::float32,
                shares_time ? std::vector<int64_t>{length} : std::vector<int64_t>{rows, length});
  check_dataset(reader, "star_id", ElementType::int64, {rows});
  check_dataset(reader, "observation_id", ElementType::int64, {rows});
  check_dataset(reader, "instrument_id", ElementType::int32, {rows});
  if (reader.has("group_id")) {
    check_dataset(reader, "group_id", ElementType::int64, {rows});
  }
  return shares_time;
}

void check_finite(const Hdf5Reader& reader, const char* dataset, const std::vector<float>& values,
                  const std::vector<uint8_t>& mask) {
  for (size_t sample = 0; sample < values.size(); ++sample) {
    if ((mask.empty() || mask[sample] != 0) && !std::isfinite(values[sample])) {
      fail(reader, std::string("dataset /") + dataset + " holds a value that is not finite" +
                       (mask.empty() ? "" : " where the mask says observed"));
    }
  }
}

/// Brings mask to 0 and 1, and flux to 0 under it, whoever wrote the shard.
void apply_mask(Curves& curves) {
  for (size_t sample = 0; sample < curves.mask.size(); ++sample) {
    curves.mask[sample] = curves.mask[sample] != 0 ? 1 : 0;
    if (curves.mask[sample] == 0) {
      curves.flux[sample] = 0.0F;
    }
  }
}

}  // namespace

ShardIds read_ids(const Hdf5Reader& reader, const ShardEntry& entry, const Manifest& manifest) try {
  reader.expect(shard_format, shard_version);
  const bool shares_time = check_shapes(reader, entry.rows, manifest.length);
  ShardIds ids;
  ids.observations = read_table(reader, manifest);
  ids.has_mask = reader.has("mask");
  if (shares_time) {
    ids.shared_time = to_vector<float>(reader.read("time"));
    check_finite(reader, "time", ids.shared_time, {});
  }
  return ids;
} catch (const storage::StorageError& error) {
  throw DataError(error.what());
}

Curves read_curves(const Hdf5Reader& reader, int64_t first, int64_t count, bool has_mask, bool has_own_time) try {
  Curves curves;
  curves.flux = to_vector<float>(reader.read_rows("flux", first, count));
  if (has_mask) {
    curves.mask = to_vector<uint8_t>(reader.read_rows("mask", first, count));
  }
  if (has_own_time) {
    curves.time = to_vector<float>(reader.read_rows("time", first, count));
    check_finite(reader, "time", curves.time, {});
  }
  check_finite(reader, "flux", curves.flux, curves.mask);
  apply_mask(curves);
  return curves;
} catch (const storage::StorageError& error) {
  throw DataError(error.what());
}

std::vector<std::string> column_names(const Hdf5Reader& reader) try {
  std::vector<std::string> names;
  for (const std::string group : {"survey", "truth"}) {
    if (!reader.has(group) || !reader.is_group(group)) continue;
    for (const std::string& column : reader.list(group)) names.push_back(group + "/" + column);
  }
  return names;
} catch (const storage::StorageError& error) {
  throw DataError(error.what());
}

Column read_column(const Hdf5Reader& reader, const std::string& name, int64_t rows) try {
  const std::vector<int64_t> shape = reader.shape(name);
  if (!is_of_instruments(name) && (shape.empty() || shape.front() != rows)) {
    fail(reader, "dataset /" + name + " has shape " + storage::to_string(shape) + " where " + std::to_string(rows) +
                     " rows belong");
  }
  if (reader.is_strings(name)) return reader.read_strings(name);
  return reader.read(name);
} catch (const storage::StorageError& error) {
  throw DataError(error.what());
}

std::vector<std::byte> read_verified(storage::FileSystem& file_system, const std::filesystem::path& file,
                                     const std::string& sha256) try {
  std::vector<std::byte> bytes = file_system.read(file);
  if (storage::sha256_hex(bytes) != sha256) {
    throw DataError(
        "shard " + file.string() +
        ": its sha256 is not the one in dataset.json, so it was changed or damaged after it was written: " + remake);
  }
  return bytes;
} catch (const storage::StorageError& error) {
  throw DataError(error.what());
}

}  // namespace causalfm::data
