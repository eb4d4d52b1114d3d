#pragma once

#include "causalfm/run/folder.hpp"
#include "causalfm/run/history.hpp"
#include "causalfm/run/process.hpp"
#include "causalfm/storage/file_system.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// What a run is doing, told from the files of its folder alone.
namespace causalfm::run {

enum class Activity {
  running,
  silent,  ///< it has not ended, but shows no sign of life any more
  gone,    ///< its process does not exist any more, and it has not said why
  completed,
  early_stopping,
  interrupted,
  failed,
};

/// "running", "silent", …
std::string to_string(Activity activity);

/// Where a run computes: lock.json, which is there while it runs.
struct Place {
  std::string host;                ///< of rank 0; empty: unknown
  int64_t pid = 0;                 ///< of rank 0; 0: unknown
  std::string started;             ///< ISO 8601, UTC; empty: unknown
  int64_t ranks = 0;               ///< 0: unknown
  std::vector<std::string> hosts;  ///< of all ranks, each once
  ProcessIdentity process = {};    ///< of rank 0
};

/// Who looks, and when.
struct Observer {
  std::chrono::system_clock::time_point now;
  std::function<std::optional<bool>(const Place& place)> is_alive = {};  ///< whether rank 0 lives; empty, none: unknown
};

/// This process, now.
Observer observer_here();

struct SavedCheckpoint {
  std::filesystem::path file;
  int64_t step = 0;
  double age_seconds = 0.0;
};

struct RunState {
  Activity activity = Activity::running;
  std::string reason;                  ///< the sentence of a failure; else empty
  int64_t steps = 0;                   ///< asked for
  double seconds = 0.0;                ///< spent training, over all resumes
  double silent_seconds = 0.0;         ///< since a file of the run last changed, but for lock.json
  bool late = false;                   ///< silent well beyond its own longest pause, and beyond a start of usual length
  int64_t ranks = 0;                   ///< 0: unknown
  std::optional<Place> place;          ///< none: no lock.json
  std::optional<double> beat_seconds;  ///< since lock.json was renewed; none: there is none
  std::optional<bool> lives;           ///< whether rank 0 does; none: the observer cannot see it

  std::optional<double> curves_per_second;  ///< over the last steps; validations and checkpoints not counted
  std::optional<double> seconds_a_step;     ///< over the last steps with all that lies between them
  std::optional<double> seconds_left;       ///< of a run that is running

  History history;
  std::optional<SavedCheckpoint> latest;
  std::optional<SavedCheckpoint> best;
};

/// Reads what the run in `folder` has written, now, while it runs or after; needs no right but to read, and changes
/// nothing. A run has ended as its summary.json says unless it has gone on since: then its lock.json counts, from
/// another host by its age, for its process renews it; without one, the age of what was written last. Local.
/// @throws RunError if there is no run; config::ConfigError or storage::StorageError for a file that cannot be read.
RunState read_state(storage::FileSystem& file_system, const std::filesystem::path& folder, const Observer& observer);

}  // namespace causalfm::run
