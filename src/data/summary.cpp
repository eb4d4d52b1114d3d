#include "causalfm/data/summary.hpp"

#include "causalfm/data/error.hpp"
#include "causalfm/data/manifest.hpp"
#include "causalfm/data/split.hpp"
#include "causalfm/storage/checksum.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/storage/hdf5_reader.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <unordered_set>

namespace causalfm::data {
namespace {

constexpr int64_t rows_a_read = 1024;

SplitSummary summarize_split(const Source& source, const config::Data& settings, Split split) {
  const std::vector<int64_t> rows = rows_of_split(source, settings, split);
  const TripletIndex index(source.observations(), rows);
  std::unordered_set<int64_t> stars;
  for (const int64_t row : rows) {
    stars.insert(source.observations().star_id[row]);
  }
  return {static_cast<int64_t>(stars.size()), static_cast<int64_t>(rows.size()),
          static_cast<int64_t>(index.triplet_anchors().size()), static_cast<int64_t>(index.pair_anchors().size()),
          index.skipped()};
}

void measure_masks(const Source& source, DatasetSummary& summary) {
  const int64_t length = source.length();
  std::vector<uint8_t> mask;
  int64_t missing_in_all = 0;
  for (int64_t first = 0; first < source.rows(); first += rows_a_read) {
    std::vector<int64_t> rows(static_cast<size_t>(std::min(rows_a_read, source.rows() - first)));
    std::iota(rows.begin(), rows.end(), first);
    mask.resize(rows.size() * static_cast<size_t>(length));
    source.read(rows, {.flux = {}, .time = {}, .mask = mask});
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto begin = mask.begin() + static_cast<ptrdiff_t>(i) * length;
      const int64_t missing = std::count(begin, begin + length, uint8_t{0});
      missing_in_all += missing;
      summary.empty_curves += missing == length ? 1 : 0;
      summary.largest_missing_fraction =
          std::max(summary.largest_missing_fraction, static_cast<double>(missing) / static_cast<double>(length));
    }
  }
  summary.missing_fraction =
      static_cast<double>(missing_in_all) / static_cast<double>(std::max(int64_t{1}, source.rows() * length));
}

/// Reads every dataset below `group`, so that HDF5 verifies its checksum.
int64_t read_everything(const storage::Hdf5Reader& reader, const std::string& group) {
  int64_t datasets = 0;
  for (const std::string& name : reader.list(group)) {
    const std::string path = group == "/" ? name : group + "/" + name;
    if (reader.is_group(path)) {
      datasets += read_everything(reader, path);
    } else {
      try {
        reader.type(path);
      } catch (const storage::StorageError&) {
        reader.read_strings(path);
        ++datasets;
        continue;
      }
      reader.read(path);
      ++datasets;
    }
  }
  return datasets;
}

void check_shard(storage::FileSystem& file_system, const std::filesystem::path& file, const ShardEntry& entry,
                 bool verify, FolderCheck& check) {
  try {
    if (!file_system.exists(file)) {
      check.problems.push_back("shard " + file.string() + " is missing: run `causalfm simulate` again, or restore it");
      return;
    }
    std::error_code unknown_size;
    const auto size = std::filesystem::file_size(file, unknown_size);
    check.bytes += unknown_size ? 0 : static_cast<int64_t>(size);
    if (!verify) {
      return;
    }
    const std::vector<std::byte> bytes = file_system.read(file);
    if (storage::sha256_hex(bytes) != entry.sha256) {
      check.problems.push_back("shard " + file.string() +
                               ": its sha256 is not the one in dataset.json, so it was changed or damaged after it "
                               "was written: run `causalfm simulate` again, or restore it");
    }
    check.datasets_read += read_everything(storage::Hdf5Reader(bytes, file.string()), "/");
  } catch (const storage::StorageError& error) {
    check.problems.emplace_back(error.what());
  }
}

}  // namespace

DatasetSummary summarize(const Source& source, const config::Data& settings) {
  DatasetSummary summary;
  summary.description = source.description();
  summary.rows = source.rows();
  const ObservationTable& table = source.observations();
  std::unordered_set<int64_t> groups(table.group_id.begin(), table.group_id.end());
  groups.erase(-1);
  summary.groups = static_cast<int64_t>(groups.size());
  std::vector<int64_t> rows(static_cast<size_t>(source.rows()));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  const TripletIndex index(table, rows);
  summary.triplet_anchors = static_cast<int64_t>(index.triplet_anchors().size());
  summary.pair_anchors = static_cast<int64_t>(index.pair_anchors().size());
  summary.skipped = index.skipped();
  for (const int64_t row : index.pair_anchors()) {
    const int64_t pairs = index.same_star_count(row);
    summary.pairs += pairs;
    summary.triplets += pairs * index.same_instrument_count(row);
  }
  if (source.has_mask()) {
    measure_masks(source, summary);
  }
  summary.train = summarize_split(source, settings, Split::train);
  summary.validation = summarize_split(source, settings, Split::validation);
  summary.test = summarize_split(source, settings, Split::test);
  return summary;
}

FolderCheck check_folder(storage::FileSystem& file_system, const std::filesystem::path& folder, bool verify) {
  const Manifest manifest = read_manifest(file_system, folder);
  FolderCheck check;
  check.shards = static_cast<int64_t>(manifest.shards.size());
  std::set<std::string> listed = {manifest_file};
  for (const ShardEntry& entry : manifest.shards) {
    listed.insert(entry.file);
    check_shard(file_system, folder / entry.file, entry, verify, check);
  }
  for (const std::string& name : file_system.list(folder)) {
    if (!listed.contains(name)) {
      check.unlisted.push_back(name);
    }
  }
  return check;
}

}  // namespace causalfm::data
