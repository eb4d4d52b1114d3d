#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/data/index.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/storage/file_system.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace causalfm::data {

/// One split of a data set under given settings.
struct SplitSummary {
  int64_t stars = 0;
  int64_t rows = 0;  ///< without held-out instruments, except in test
  int64_t triplet_anchors = 0;
  int64_t pair_anchors = 0;
  SkippedAnchors skipped;
};

/// What `causalfm inspect` tells about a data set.
struct DatasetSummary {
  SourceDescription description;
  int64_t rows = 0;
  int64_t groups = 0;           ///< distinct group_id, without -1
  int64_t triplet_anchors = 0;  ///< rows that can be anchors, over all rows whatever the split
  int64_t pair_anchors = 0;
  int64_t triplets = 0;                   ///< distinct triplets (anchor, same star, same instrument)
  int64_t pairs = 0;                      ///< distinct pairs (anchor, same star)
  SkippedAnchors skipped;                 ///< over all rows
  double missing_fraction = 0.0;          ///< samples under the mask
  double largest_missing_fraction = 0.0;  ///< of a single curve
  int64_t empty_curves = 0;               ///< curves without an observed sample
  SplitSummary train;
  SplitSummary validation;
  SplitSummary test;
};

/// Reads ids, and the masks if there are any. @throws DataError as Source::read does.
DatasetSummary summarize(const Source& source, const config::Data& settings);

/// What lies in a data set's folder, and whether it is what was written.
struct FolderCheck {
  int64_t shards = 0;
  int64_t bytes = 0;                  ///< of the shards listed in dataset.json
  int64_t datasets_read = 0;          ///< whose Fletcher32 checksums were verified; 0 unless asked for
  std::vector<std::string> problems;  ///< a sentence each
  std::vector<std::string> unlisted;  ///< files that dataset.json does not name
};

/// Looks at every file of the folder; with `verify` reads them all: each shard's sha256 against dataset.json and the
/// checksums of each HDF5 dataset. @throws DataError when dataset.json itself is missing or damaged.
FolderCheck check_folder(storage::FileSystem& file_system, const std::filesystem::path& folder, bool verify);

}  // namespace causalfm::data
