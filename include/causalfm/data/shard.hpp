#pragma once

#include "causalfm/data/source.hpp"
#include "causalfm/storage/array.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace causalfm::data {

inline constexpr const char* shard_format = "causalfm-shard";
inline constexpr int64_t shard_version = 1;
inline constexpr int64_t largest_shard_bytes = int64_t{256} << 20;

/// "shard-00042.h5"
std::string shard_file(int64_t number);

/// The rows of one shard as they go to disk (docs/data-format.md).
struct ShardContent {
  ObservationTable observations;
  int64_t length = 0;                                             ///< T
  std::vector<float> flux;                                        ///< [rows, T]; 0 where masked
  std::vector<float> time;                                        ///< [T], or [rows, T]
  std::vector<uint8_t> mask;                                      ///< [rows, T], 1 = observed; empty: all is observed
  std::vector<std::pair<std::string, storage::ArrayView>> extra;  ///< "truth/theta", "flux_error", ...
};

/// The file's bytes: equal content gives equal bytes. @throws storage::StorageError when arrays disagree in rows.
std::vector<std::byte> shard_bytes(const ShardContent& content, const std::string& name);

}  // namespace causalfm::data
