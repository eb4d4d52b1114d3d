#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/storage/file_system.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>

namespace causalfm::data {

/// How a simulated data set is cut into shards: by its settings alone, never by the number of ranks. Some 16 shards,
/// none below 2 MiB unless it is the last, none above 64 MiB.
struct ShardPlan {
  int64_t rows = 0;            ///< of the data set
  int64_t rows_per_shard = 0;  ///< of every shard but the last
  int64_t shards = 0;

  int64_t first_row(int64_t shard) const { return shard * rows_per_shard; }
  int64_t rows_of(int64_t shard) const;
};

ShardPlan plan_shards(const config::Simulation& settings);

/// What write_simulated_dataset did, over this rank.
struct WrittenDataset {
  int64_t shards_written = 0;  ///< by this rank
  int64_t shards_kept = 0;     ///< found whole from an earlier call, by this rank
  bool already_there = false;  ///< the folder held this data set before: only what was not whole was written again
};

/// Writes the shards of a simulated universe and then its dataset.json into `folder`, which appears if need be.
/// Rank r writes shards r, r + world_size, ...; after `barrier` rank 0 hashes every file as it lies on the disk and
/// writes dataset.json, so that a folder with a dataset.json is whole. What is read back does not depend on the number
/// of ranks, byte for byte. A folder that holds the same data set is completed: shards that are whole stay as they are,
/// damaged and missing ones are written again.
/// Collective: every rank calls it, and `barrier` returns when all ranks have called it; it is called twice.
/// @throws config::ConfigError when the folder holds another data set; DataError when its dataset.json is damaged;
///         storage::StorageError when the disk refuses.
WrittenDataset write_simulated_dataset(storage::FileSystem& file_system, const config::Simulation& settings,
                                       const std::filesystem::path& folder, int64_t rank, int64_t world_size,
                                       const std::function<void()>& barrier);

}  // namespace causalfm::data
