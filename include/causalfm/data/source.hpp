#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/storage/array.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace causalfm::data {

/// Who each row of a data set is; small enough to be held for all rows (20 to 28 bytes a row).
struct ObservationTable {
  std::vector<int64_t> star_id;
  std::vector<int32_t> instrument_id;
  std::vector<int64_t> observation_id;  ///< unique
  std::vector<int64_t> group_id;        ///< -1 for none; empty when the data set has no groups

  int64_t rows() const { return static_cast<int64_t>(star_id.size()); }
};

struct Instrument {
  int64_t id = 0;  ///< its index in the list
  std::string name;
  std::string key = "{}";  ///< what makes it an instrument of its own (camera, CCD, ...), a JSON object as text
  int64_t rows = 0;
};

/// Where Source::read writes n curves of T samples, row after row. An empty span: not wanted.
struct CurveBuffers {
  std::span<float> flux;    ///< [n, T]; 0 where masked
  std::span<float> time;    ///< [n, T], time since the curve's first cadence
  std::span<uint8_t> mask;  ///< [n, T], 1 where observed
};

/// What every source knows about its data set without reading a curve.
struct SourceDescription {
  std::string place;     ///< for sentences: the folder, or "the simulation"
  std::string identity;  ///< hash of the simulation's settings or of the ingested files: equal for equal data
  int64_t length = 0;    ///< T, samples a curve
  int64_t stars = 0;     ///< distinct star_id
  std::vector<Instrument> instruments;
  std::string catalogue;    ///< what star_id counts in
  std::string time_system;  ///< unit and origin of time
  std::string flux_unit;
  bool has_mask = false;                         ///< false: every sample of every curve is observed
  std::vector<float> shared_time;                ///< [T] when all rows share one grid, else empty
  std::optional<config::Simulation> simulation;  ///< settings that the data were simulated with, if they were
};

/// What a data set holds beside its curves, such as truth/theta or survey/ra (docs/data-format.md).
using Column = std::variant<storage::Array, std::vector<std::string>>;

/// Where light curves come from. Rows are numbered 0 ... rows()-1 in an order that belongs to the data set, so that a
/// simulation on the fly and its shards on disk give the same bits for the same row. Knows no rank; every method may be
/// called from several threads at once.
class Source {
 public:
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const ObservationTable& observations() const { return observations_; }
  const SourceDescription& description() const { return description_; }
  int64_t rows() const { return observations_.rows(); }
  int64_t length() const { return description_.length; }
  bool has_mask() const { return description_.has_mask; }
  bool has_shared_time() const { return !description_.shared_time.empty(); }

  /// Fills every buffer that is not empty with the curves of `rows`, in that order (repeats allowed).
  /// @throws DataError when a row is out of range, a buffer has the wrong size, or a shard is missing or damaged.
  virtual void read(std::span<const int64_t> rows, const CurveBuffers& buffers) const = 0;

  /// Names of the columns under truth/ and survey/ that every part of the data set has, sorted.
  virtual std::vector<std::string> columns() const { return {}; }

  /// One of columns(), whole: first dimension rows(), in their order (truth/beta and truth/gamma: the instruments).
  /// @throws DataError when there is no such column, or its shard is damaged.
  virtual Column read_column(const std::string& name) const;

 protected:
  Source() = default;
  ObservationTable observations_;
  SourceDescription description_;
};

/// sha256 (hex) of the canonical text of the settings: what `identity` is for simulated data, on the fly or on disk.
std::string simulation_identity(const config::Simulation& settings);

/// Simulates every curve when it is read; holds nothing but ids.
std::unique_ptr<Source> make_simulated_source(const config::Simulation& settings);

/// Opens a folder of shards (docs/data-format.md) and reads the ids of all rows. A data set of at most `cache_bytes`,
/// at 9 bytes a sample, is read whole and verified at once, so that damage shows before anything begins. Of a larger
/// one each curve is read from its file whenever it is asked for, which is much slower, and a shard's sha256 is
/// verified before the first of its curves is used.
/// @throws DataError when the folder is missing, truncated, of a newer version, damaged, or disagrees with itself.
std::unique_ptr<Source> open_shards(const std::filesystem::path& folder, int64_t cache_bytes = int64_t{2} << 30);

/// data.path's shards, or the simulation when it is null. With data.path the data set's own settings describe the data
/// and the configuration's section `simulation` is not used; simulation_mismatch says so.
std::unique_ptr<Source> make_source(const config::Config& settings);

/// A sentence for the log when data.path holds data simulated with other settings than the configuration states.
std::optional<std::string> simulation_mismatch(const config::Config& settings, const Source& source);

}  // namespace causalfm::data
