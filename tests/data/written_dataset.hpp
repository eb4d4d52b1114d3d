#pragma once

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "causalfm/data/manifest.hpp"
#include "causalfm/data/shard.hpp"
#include "causalfm/storage/checksum.hpp"
#include "causalfm/storage/file_system.hpp"
#include "data/table_source.hpp"

namespace causalfm::data {

/// What a data set for tests has beside flux and ids.
struct DatasetShape {
  bool has_mask = false;
  bool has_own_time = false;
  bool has_groups = false;
  int64_t length = 12;
  int64_t rows_per_shard = 40;
};

/// Random curves of a random table, cut into shards.
inline std::vector<ShardContent> random_shards(const DatasetShape& shape, uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  const auto uniform = [&] { return static_cast<float>(random() % 2001) / 1000.0F - 1.0F; };
  const ObservationTable table = random_table({.stars = 30, .groups = shape.has_groups ? 5 : 0}, seed);
  std::vector<ShardContent> shards;
  for (int64_t first = 0; first < table.rows(); first += shape.rows_per_shard) {
    const int64_t rows = std::min(shape.rows_per_shard, table.rows() - first);
    ShardContent shard;
    shard.length = shape.length;
    const auto cut = [&](const auto& ids) {
      return ids.empty() ? ids : std::decay_t<decltype(ids)>(ids.begin() + first, ids.begin() + first + rows);
    };
    shard.observations = {cut(table.star_id), cut(table.instrument_id), cut(table.observation_id), cut(table.group_id)};
    for (int64_t t = 0; t < shape.length * (shape.has_own_time ? rows : 1); ++t) {
      shard.time.push_back(static_cast<float>(t % shape.length) + (shape.has_own_time ? uniform() / 3.0F : 0.0F));
    }
    for (int64_t sample = 0; sample < shape.length * rows; ++sample) {
      shard.flux.push_back(uniform());
      if (shape.has_mask) shard.mask.push_back(random() % 4 == 0 ? 0 : 1);
      if (shape.has_mask && shard.mask.back() == 0) shard.flux.back() = 0.0F;
    }
    shards.push_back(std::move(shard));
  }
  return shards;
}

inline ObservationTable table_of(const std::vector<ShardContent>& shards) {
  ObservationTable table;
  const auto add = [](auto& all, const auto& more) { all.insert(all.end(), more.begin(), more.end()); };
  for (const ShardContent& shard : shards) {
    add(table.star_id, shard.observations.star_id);
    add(table.instrument_id, shard.observations.instrument_id);
    add(table.observation_id, shard.observations.observation_id);
    add(table.group_id, shard.observations.group_id);
  }
  return table;
}

/// Writes the shards, and gives the manifest that describes them truly; write_manifest makes a data set of it.
inline Manifest write_shards(const std::filesystem::path& folder, const std::vector<ShardContent>& shards) {
  const auto files = storage::make_real_file_system();
  const ObservationTable table = table_of(shards);
  Manifest manifest;
  manifest.identity = "of a test";
  manifest.rows = table.rows();
  manifest.length = shards.front().length;
  manifest.stars = static_cast<int64_t>(std::set<int64_t>(table.star_id.begin(), table.star_id.end()).size());
  manifest.catalogue = "a catalogue";
  manifest.time_system = "days";
  manifest.flux_unit = "electrons";
  for (int64_t id = 0; id < 5; ++id) {
    manifest.instruments.push_back({id, "camera " + std::to_string(id), "{\"camera\":" + std::to_string(id) + "}",
                                    std::count(table.instrument_id.begin(), table.instrument_id.end(), id)});
  }
  for (size_t number = 0; number < shards.size(); ++number) {
    const std::string name = shard_file(static_cast<int64_t>(number));
    const std::vector<std::byte> bytes = shard_bytes(shards[number], name);
    files->write_new(folder / name, bytes);
    manifest.shards.push_back({name, shards[number].observations.rows(), storage::sha256_hex(bytes)});
  }
  return manifest;
}

inline void write_dataset(const std::filesystem::path& folder, const std::vector<ShardContent>& shards) {
  write_manifest(*storage::make_real_file_system(), folder, write_shards(folder, shards));
}

}  // namespace causalfm::data
