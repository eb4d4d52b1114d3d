#include "causalfm/data/dataset_writer.hpp"

#include "causalfm/config/error.hpp"
#include "causalfm/config/load.hpp"
#include "causalfm/data/error.hpp"
#include "causalfm/data/manifest.hpp"
#include "causalfm/data/shard.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/simulation/simulator.hpp"
#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/checksum.hpp"
#include "data/simulation_truth.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace causalfm::data {
namespace {

constexpr int64_t wanted_shards = 16;
constexpr int64_t least_shard_bytes = int64_t{2} << 20;
constexpr int64_t most_shard_bytes = int64_t{64} << 20;

int64_t bytes_a_row(const config::Simulation& settings) {
  const int64_t ids = 8 + 8 + 4;
  const int64_t theta = 8 * settings.stellar_parameters;
  const int64_t phase = 8 * (settings.stellar_parameters - 1);
  return 4 * settings.length + ids + theta + phase;
}

template <typename T>
std::vector<T> run_of(const std::vector<T>& values, int64_t first, int64_t count) {
  return {values.begin() + first, values.begin() + first + count};
}

std::vector<std::byte> simulate_shard(const Source& source, const simulation::Simulator& simulator, int64_t first,
                                      int64_t count, const std::string& name) {
  ShardContent content;
  content.length = source.length();
  content.time = source.description().shared_time;
  content.observations.star_id = run_of(source.observations().star_id, first, count);
  content.observations.instrument_id = run_of(source.observations().instrument_id, first, count);
  content.observations.observation_id = run_of(source.observations().observation_id, first, count);
  content.flux.resize(static_cast<size_t>(count * content.length));
  std::vector<int64_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), first);
  source.read(rows, {.flux = content.flux, .time = {}, .mask = {}});

  const auto truth = simulation_truth(simulator, source.observations(), first, count);
  for (const auto& [column, array] : truth) content.extra.emplace_back(column, array.view());
  return shard_bytes(content, name);
}

/// The manifest of what an earlier call has finished in this folder, if it did.
std::optional<Manifest> earlier_manifest(storage::FileSystem& file_system, const std::filesystem::path& folder,
                                         const std::string& identity) {
  if (!file_system.exists(folder / manifest_file)) {
    return std::nullopt;
  }
  Manifest manifest = read_manifest(file_system, folder);
  if (manifest.identity != identity) {
    throw config::ConfigError(folder.string() + " holds another data set (identity " + manifest.identity +
                              ", these settings make " + identity + "): choose another folder or remove that one");
  }
  return manifest;
}

bool is_whole(storage::FileSystem& file_system, const std::filesystem::path& file,
              const std::optional<Manifest>& earlier, int64_t shard) {
  if (!earlier || shard >= static_cast<int64_t>(earlier->shards.size()) || !file_system.exists(file)) {
    return false;
  }
  return storage::sha256_hex(file_system.read(file)) == earlier->shards[static_cast<size_t>(shard)].sha256;
}

Manifest manifest_of(storage::FileSystem& file_system, const std::filesystem::path& folder, const Source& source,
                     const ShardPlan& plan) {
  const SourceDescription& description = source.description();
  Manifest manifest;
  manifest.identity = description.identity;
  manifest.rows = source.rows();
  manifest.length = description.length;
  manifest.stars = description.stars;
  manifest.catalogue = description.catalogue;
  manifest.time_system = description.time_system;
  manifest.flux_unit = description.flux_unit;
  manifest.instruments = description.instruments;
  for (int64_t shard = 0; shard < plan.shards; ++shard) {
    const std::string file = shard_file(shard);
    manifest.shards.push_back({file, plan.rows_of(shard), storage::sha256_hex(file_system.read(folder / file))});
  }
  manifest.source = "{\"simulation\": " + config::to_json(*description.simulation) + "}";
  return manifest;
}

}  // namespace

int64_t ShardPlan::rows_of(int64_t shard) const { return std::min(rows_per_shard, rows - first_row(shard)); }

ShardPlan plan_shards(const config::Simulation& settings) {
  const int64_t row_bytes = bytes_a_row(settings);
  ShardPlan plan;
  plan.rows = settings.stars * settings.curves_per_star;
  const int64_t shard_bytes = std::clamp(plan.rows * row_bytes / wanted_shards, least_shard_bytes, most_shard_bytes);
  plan.rows_per_shard = std::max(int64_t{1}, shard_bytes / row_bytes);
  plan.shards = (plan.rows + plan.rows_per_shard - 1) / plan.rows_per_shard;
  return plan;
}

WrittenDataset write_simulated_dataset(storage::FileSystem& file_system, const config::Simulation& settings,
                                       const std::filesystem::path& folder, int64_t rank, int64_t world_size,
                                       const std::function<void()>& barrier) {
  const std::unique_ptr<Source> source = make_simulated_source(settings);
  const simulation::Simulator simulator(settings);
  const ShardPlan plan = plan_shards(settings);
  const std::optional<Manifest> earlier = earlier_manifest(file_system, folder, source->description().identity);
  file_system.create_folders(folder);
  WrittenDataset written;
  written.already_there = earlier.has_value();
  for (int64_t shard = rank; shard < plan.shards; shard += world_size) {
    const std::filesystem::path file = folder / shard_file(shard);
    if (is_whole(file_system, file, earlier, shard)) {
      ++written.shards_kept;
      continue;
    }
    storage::replace_file(
        file_system, file,
        simulate_shard(*source, simulator, plan.first_row(shard), plan.rows_of(shard), file.string()));
    ++written.shards_written;
  }
  barrier();
  if (rank == 0) {
    const Manifest manifest = manifest_of(file_system, folder, *source, plan);
    if (!earlier || to_text(*earlier) != to_text(manifest)) {
      write_manifest(file_system, folder, manifest);
    }
  }
  barrier();
  return written;
}

}  // namespace causalfm::data
