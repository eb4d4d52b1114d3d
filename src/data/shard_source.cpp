#include "causalfm/config/error.hpp"
#include "causalfm/config/load.hpp"
#include "causalfm/data/error.hpp"
#include "causalfm/data/manifest.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/storage/file_system.hpp"
#include "causalfm/storage/hdf5_reader.hpp"
#include "data/read_request.hpp"
#include "data/shard_reader.hpp"
#include "data/simulation_truth.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>
#include <unordered_set>
#include <utility>

namespace causalfm::data {
namespace {

constexpr double most_bytes_a_sample = 9.0;  // flux, mask, time

template <typename... Arguments>
storage::Hdf5Reader open_reader(const Arguments&... arguments) try {
  return storage::Hdf5Reader(arguments...);
} catch (const storage::StorageError& error) {
  throw DataError(error.what());
}

/// One shard of an open data set, with its curves or with the way to them. Its table of ids is the source's.
class Shard {
 public:
  /// Reads everything, from bytes whose sha256 is right.
  static std::unique_ptr<Shard> read_whole(storage::FileSystem& file_system, const std::filesystem::path& folder,
                                           const ShardEntry& entry, const Manifest& manifest, ObservationTable& table) {
    const std::filesystem::path file = folder / entry.file;
    const std::vector<std::byte> bytes = read_verified(file_system, file, entry.sha256);
    const storage::Hdf5Reader reader = open_reader(std::span(bytes), file.string());
    auto shard = std::make_unique<Shard>(file, entry, read_ids(reader, entry, manifest), table);
    shard->curves_ = read_curves(reader, 0, entry.rows, shard->has_mask_, shard->shared_time_.empty());
    return shard;
  }

  /// Reads ids only; the sha256 is verified when the first curve is asked for.
  static std::unique_ptr<Shard> read_ids_only(const std::filesystem::path& folder, const ShardEntry& entry,
                                              const Manifest& manifest, ObservationTable& table) {
    const std::filesystem::path file = folder / entry.file;
    return std::make_unique<Shard>(file, entry, read_ids(open_reader(file), entry, manifest), table);
  }

  Shard(std::filesystem::path file, const ShardEntry& entry, ShardIds ids, ObservationTable& table)
      : file_(std::move(file)),
        sha256_(entry.sha256),
        first_row_(table.rows()),
        rows_(entry.rows),
        has_mask_(ids.has_mask),
        shared_time_(std::move(ids.shared_time)) {
    append(table, ids.observations);
  }

  int64_t first_row() const { return first_row_; }
  int64_t rows() const { return rows_; }
  bool has_mask() const { return has_mask_; }
  const std::vector<float>& shared_time() const { return shared_time_; }

  /// All curves, if the shard was read whole.
  const std::optional<Curves>& curves() const { return curves_; }

  /// The curves of ascending rows of the data set that lie in this shard, from the file.
  std::vector<Curves> read_some(storage::FileSystem& file_system, std::span<const int64_t> rows) const {
    verify(file_system);
    const storage::Hdf5Reader reader = open_reader(file_);
    std::vector<Curves> curves;
    curves.reserve(rows.size());
    for (const int64_t row : rows) {
      curves.push_back(read_curves(reader, row - first_row_, 1, has_mask_, shared_time_.empty()));
    }
    return curves;
  }

  std::vector<std::string> columns() const { return column_names(open_reader(file_)); }

  Column column(storage::FileSystem& file_system, const std::string& name) const {
    verify(file_system);
    return read_column(open_reader(file_), name, rows_);
  }

 private:
  /// Rows of a shard without groups, beside one that has them, are of group -1.
  static void append(ObservationTable& all, const ObservationTable& more) {
    const auto add = [](auto& ids, const auto& more_ids) { ids.insert(ids.end(), more_ids.begin(), more_ids.end()); };
    if (all.group_id.empty() && !more.group_id.empty()) {
      all.group_id.resize(all.star_id.size(), -1);
    }
    add(all.star_id, more.star_id);
    add(all.instrument_id, more.instrument_id);
    add(all.observation_id, more.observation_id);
    add(all.group_id, more.group_id);
    if (!all.group_id.empty()) {
      all.group_id.resize(all.star_id.size(), -1);
    }
  }

  void verify(storage::FileSystem& file_system) const {
    const std::lock_guard lock(mutex_);
    if (!verified_) {
      read_verified(file_system, file_, sha256_);
      verified_ = true;
    }
  }

  std::filesystem::path file_;
  std::string sha256_;
  int64_t first_row_;
  int64_t rows_;
  bool has_mask_;
  std::vector<float> shared_time_;  ///< [T], or empty: every row has its own
  std::optional<Curves> curves_;
  mutable std::mutex mutex_;
  mutable bool verified_ = false;
};

std::optional<config::Simulation> simulation_of(const Manifest& manifest, const std::string& name) {
  const nlohmann::json source = nlohmann::json::parse(manifest.source);
  if (!source.is_object() || !source.contains("simulation")) {
    return std::nullopt;
  }
  try {
    return config::parse("simulation: " + source["simulation"].dump(), name).simulation;
  } catch (const config::ConfigError& error) {
    throw DataError(name + ": source.simulation is not what this program calls a simulation (" + error.what() +
                    "): use the causalfm that wrote the data set");
  }
}

class ShardSource : public Source {
 public:
  ShardSource(const std::filesystem::path& folder, int64_t cache_bytes)
      : file_system_(storage::make_real_file_system()) {
    const Manifest manifest = read_manifest(*file_system_, folder);
    const std::string name = (folder / manifest_file).string();
    const bool keeps_curves =
        most_bytes_a_sample * static_cast<double>(manifest.rows) * static_cast<double>(manifest.length) <=
        static_cast<double>(cache_bytes);
    for (const ShardEntry& entry : manifest.shards) {
      shards_.push_back(keeps_curves ? Shard::read_whole(*file_system_, folder, entry, manifest, observations_)
                                     : Shard::read_ids_only(folder, entry, manifest, observations_));
    }
    check_ids(manifest, name);
    describe(manifest, folder);
    columns_ = common_columns();
  }

  std::vector<std::string> columns() const override { return columns_; }

  Column read_column(const std::string& name) const override {
    if (std::ranges::find(columns_, name) == columns_.end()) return Source::read_column(name);
    Column whole = shards_.front()->column(*file_system_, name);
    for (size_t shard = 1; shard < shards_.size() && !is_of_instruments(name); ++shard) {
      append(whole, shards_[shard]->column(*file_system_, name), name);
    }
    return whole;
  }

  void read(std::span<const int64_t> rows, const CurveBuffers& buffers) const override {
    check_request(*this, rows, buffers);
    for (const auto& [number, slots] : slots_by_shard(rows)) {
      const Shard& shard = *shards_[number];
      if (shard.curves()) {
        for (const int64_t slot : slots) {
          copy(*shard.curves(), rows[slot] - shard.first_row(), shard.shared_time(), slot, buffers);
        }
      } else {
        read_from_file(shard, rows, slots, buffers);
      }
    }
  }

 private:
  std::vector<std::string> common_columns() const {
    std::vector<std::string> common;
    for (const auto& shard : shards_) {
      const std::vector<std::string> names = shard->columns();
      if (shard == shards_.front()) common = names;
      std::erase_if(common, [&](const std::string& name) { return std::ranges::find(names, name) == names.end(); });
    }
    return common;
  }

  /// Adds the rows of another shard.
  void append(Column& column, Column more, const std::string& name) const {
    if (auto* strings = std::get_if<std::vector<std::string>>(&column);
        strings != nullptr && std::holds_alternative<std::vector<std::string>>(more)) {
      std::ranges::move(std::get<std::vector<std::string>>(more), std::back_inserter(*strings));
      return;
    }
    auto* array = std::get_if<storage::Array>(&column);
    const auto* rows = std::get_if<storage::Array>(&more);
    if (array == nullptr || rows == nullptr || array->type() != rows->type() ||
        !std::equal(array->shape().begin() + 1, array->shape().end(), rows->shape().begin() + 1, rows->shape().end())) {
      throw DataError(description_.place + ": /" + name +
                      " has another type or shape in one shard than in another: write the data set again");
    }
    std::vector<int64_t> shape = array->shape();
    shape.front() += rows->shape().front();
    storage::Array both(array->type(), shape);
    const auto end = std::ranges::copy(array->bytes(), both.bytes().begin()).out;
    std::ranges::copy(rows->bytes(), end);
    *array = std::move(both);
  }

  void check_ids(const Manifest& manifest, const std::string& name) const {
    const auto distinct = [](const std::vector<int64_t>& ids) {
      return static_cast<int64_t>(std::unordered_set<int64_t>(ids.begin(), ids.end()).size());
    };
    if (distinct(observations_.observation_id) != rows()) {
      throw DataError(name + ": an observation_id of its shards is there twice: remove the repeated rows or shards");
    }
    if (distinct(observations_.star_id) != manifest.stars) {
      throw DataError(name + " states " + std::to_string(manifest.stars) + " stars, its shards hold " +
                      std::to_string(distinct(observations_.star_id)) + ": write the data set again");
    }
    std::vector<int64_t> rows_of_instrument(manifest.instruments.size(), 0);
    for (const int32_t instrument : observations_.instrument_id) {
      ++rows_of_instrument[instrument];
    }
    for (const Instrument& instrument : manifest.instruments) {
      if (rows_of_instrument[instrument.id] != instrument.rows) {
        throw DataError(name + " states " + std::to_string(instrument.rows) + " rows of instrument " +
                        std::to_string(instrument.id) + ", its shards hold " +
                        std::to_string(rows_of_instrument[instrument.id]) + ": write the data set again");
      }
    }
  }

  void describe(const Manifest& manifest, const std::filesystem::path& folder) {
    description_.place = folder.string();
    description_.identity = manifest.identity;
    description_.length = manifest.length;
    description_.stars = manifest.stars;
    description_.instruments = manifest.instruments;
    description_.catalogue = manifest.catalogue;
    description_.time_system = manifest.time_system;
    description_.flux_unit = manifest.flux_unit;
    description_.simulation = simulation_of(manifest, (folder / manifest_file).string());
    description_.has_mask =
        std::any_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard->has_mask(); });
    const bool one_grid = !shards_.empty() && std::all_of(shards_.begin(), shards_.end(), [&](const auto& shard) {
      return shard->shared_time() == shards_.front()->shared_time();
    });
    if (one_grid) {
      description_.shared_time = shards_.front()->shared_time();
    }
  }

  /// Which places of a request each shard serves, in ascending order of their rows so that neighbours share a chunk.
  std::map<size_t, std::vector<int64_t>> slots_by_shard(std::span<const int64_t> rows) const {
    std::vector<int64_t> order(rows.size());
    std::iota(order.begin(), order.end(), int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return rows[a] < rows[b]; });
    std::map<size_t, std::vector<int64_t>> slots;
    for (const int64_t slot : order) {
      const auto after = std::upper_bound(shards_.begin(), shards_.end(), rows[slot],
                                          [](int64_t row, const auto& shard) { return row < shard->first_row(); });
      slots[static_cast<size_t>(after - shards_.begin() - 1)].push_back(slot);
    }
    return slots;
  }

  void read_from_file(const Shard& shard, std::span<const int64_t> rows, const std::vector<int64_t>& slots,
                      const CurveBuffers& buffers) const {
    std::vector<int64_t> wanted;
    wanted.reserve(slots.size());
    for (const int64_t slot : slots) {
      wanted.push_back(rows[slot]);
    }
    const std::vector<Curves> curves = shard.read_some(*file_system_, wanted);
    for (size_t i = 0; i < slots.size(); ++i) {
      copy(curves[i], 0, shard.shared_time(), slots[i], buffers);
    }
  }

  /// Copies curve `row` of `curves` to place `slot` of the buffers that are wanted.
  void copy(const Curves& curves, int64_t row, const std::vector<float>& shared_time, int64_t slot,
            const CurveBuffers& buffers) const {
    const int64_t samples = length();
    if (!buffers.flux.empty()) {
      std::copy_n(curves.flux.begin() + row * samples, samples, buffers.flux.begin() + slot * samples);
    }
    if (!buffers.mask.empty()) {
      if (curves.mask.empty()) {
        std::fill_n(buffers.mask.begin() + slot * samples, samples, uint8_t{1});
      } else {
        std::copy_n(curves.mask.begin() + row * samples, samples, buffers.mask.begin() + slot * samples);
      }
    }
    if (!buffers.time.empty()) {
      const auto from = curves.time.empty() ? shared_time.begin() : curves.time.begin() + row * samples;
      std::copy_n(from, samples, buffers.time.begin() + slot * samples);
    }
  }

  std::shared_ptr<storage::FileSystem> file_system_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::string> columns_;
};

}  // namespace

std::unique_ptr<Source> open_shards(const std::filesystem::path& folder, int64_t cache_bytes) {
  return std::make_unique<ShardSource>(folder, cache_bytes);
}

}  // namespace causalfm::data
