#include "causalfm/run/state.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/run/summary.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/storage/hdf5_reader.hpp"
#include "run/place.hpp"

#include <algorithm>
#include <cmath>
#include <system_error>

namespace causalfm::run {

namespace {

using Time = std::chrono::system_clock::time_point;

constexpr std::size_t window = 50;  // steps that the present speed is a mean of, at least

// A run may pause for so long between two lines: it is late only well beyond its own longest pause, and beyond a start
// of usual length. The lock is renewed at any time, and NFS shows another host its times up to a minute late.
constexpr double patience_seconds = 120.0;
constexpr double patience_in_pauses = 10.0;

struct Files {
  std::optional<Time> lock;
  std::optional<Time> summary;
  std::optional<Time> config;
  std::optional<Time> newest;  ///< but for the lock
};

/// None where there is no such file (any more).
std::optional<Time> last_written(const std::filesystem::path& path) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(path, error);
  if (error) return {};
  return std::chrono::time_point_cast<Time::duration>(std::chrono::file_clock::to_sys(time));
}

double seconds_between(Time first, Time second) {
  return std::max(0.0, std::chrono::duration<double>(second - first).count());  // clocks of hosts differ
}

Files look_at(const RunFolder& run) {
  Files files{last_written(run.lock_file()), last_written(run.summary_file()), last_written(run.config_file()), {}};
  for (const auto& time : {files.summary, files.config, last_written(run.metrics_file()), last_written(run.log_file()),
                           last_written(run.checkpoints())}) {
    files.newest = std::max(files.newest, time);
  }
  return files;
}

/// The mean over the last `count` numbers of the reciprocals, which is what equal pieces of work take.
std::optional<double> rate_of_last(const std::vector<double>& rates, std::size_t count) {
  double time = 0.0;
  std::size_t seen = 0;
  for (auto rate = rates.rbegin(); rate != rates.rend() && seen < count; ++rate, ++seen) time += 1.0 / *rate;
  return seen > 0 && std::isfinite(time) && time > 0.0 ? std::optional(static_cast<double>(seen) / time) : std::nullopt;
}

/// The part of `seconds` that the present speed is judged by: what a validation takes is in it.
std::vector<double> recent(const std::vector<double>& seconds, int64_t validate_every) {
  const std::size_t count = std::max(window, static_cast<std::size_t>(std::max<int64_t>(validate_every, 0))) + 1;
  return {seconds.end() - static_cast<std::ptrdiff_t>(std::min(count, seconds.size())), seconds.end()};
}

double longest_pause(const std::vector<double>& seconds) {
  double longest = 0.0;
  for (std::size_t i = 1; i < seconds.size(); ++i) longest = std::max(longest, seconds[i] - seconds[i - 1]);
  return longest;
}

/// A resume rewrites config.yaml first, and then takes steps. Where files were copied their times say nothing, so the
/// summary counts as long as it agrees with the metrics and nothing has happened for a while. A full disk may have cost
/// the metrics their last line.
bool has_gone_on(const Files& files, const Summary& summary, const History& history, bool quiet) {
  if (files.lock > files.summary) return true;
  const int64_t steps = history.steps_done;
  return steps > summary.steps || steps + 1 < summary.steps || (files.config > files.summary && !quiet);
}

/// Without any sign of life: a lock is one while it is renewed, however long the work pauses.
bool is_quiet(const RunState& state) {
  return state.beat_seconds ? std::min(*state.beat_seconds, state.silent_seconds) > patience_seconds : state.late;
}

Activity judge(const RunState& state) {
  if (state.lives == false) return Activity::gone;
  return is_quiet(state) ? Activity::silent : Activity::running;
}

Activity activity_of(Ending ending) {
  switch (ending) {
    case Ending::completed:
      return Activity::completed;
    case Ending::early_stopping:
      return Activity::early_stopping;
    case Ending::interrupted:
      return Activity::interrupted;
    case Ending::failed:
      return Activity::failed;
  }
  throw storage::StorageError("an ending that does not exist: a defect of the caller");
}

std::optional<SavedCheckpoint> saved(const RunFolder& run, const std::optional<std::filesystem::path>& file, Time now) {
  const auto written = file ? last_written(*file) : std::nullopt;
  if (!written) return {};
  for (const int64_t step : run.checkpoint_steps()) {
    if (run.checkpoint_file(step) == *file) return SavedCheckpoint{*file, step, seconds_between(*written, now)};
  }
  return {};
}

/// The number of ranks that wrote a checkpoint; 0 where it is damaged, or has been removed by the run meanwhile.
int64_t ranks_of(const std::optional<SavedCheckpoint>& checkpoint) {
  if (!checkpoint) return 0;
  try {
    return storage::Hdf5Reader(checkpoint->file).attribute_as<int64_t>("/", "ranks");
  } catch (const storage::StorageError&) {
    return 0;
  }
}

void tell_speed(const std::vector<double>& seconds, RunState& state) {
  if (!state.history.seconds.empty()) state.seconds = state.history.seconds.back();
  state.curves_per_second = rate_of_last(state.history.curves_per_second, window);
  if (seconds.size() > 1) {
    state.seconds_a_step = (seconds.back() - seconds.front()) / static_cast<double>(seconds.size() - 1);
  }
}

}  // namespace

std::string to_string(Activity activity) {
  switch (activity) {
    case Activity::running:
      return "running";
    case Activity::silent:
      return "silent";
    case Activity::gone:
      return "gone";
    case Activity::completed:
      return to_string(Ending::completed);
    case Activity::early_stopping:
      return to_string(Ending::early_stopping);
    case Activity::interrupted:
      return to_string(Ending::interrupted);
    case Activity::failed:
      return to_string(Ending::failed);
  }
  throw storage::StorageError("an activity that does not exist: a defect of the caller");
}

Observer observer_here() {
  return {std::chrono::system_clock::now(), [](const Place& place) { return is_alive(place.pid, place.process); }};
}

RunState read_state(storage::FileSystem& file_system, const std::filesystem::path& folder, const Observer& observer) {
  const RunFolder run = RunFolder::open(file_system, folder);
  const config::Train train = config::parse(*run.read_config(), run.config_file().string()).train;
  const Files files = look_at(run);  // before the reading: what is written meanwhile makes it no older
  RunState state;
  state.history = read_history(file_system, run);
  std::optional<Summary> summary;
  if (files.summary) summary = read_summary(file_system, run.summary_file());
  if (files.lock) state.place = read_place(file_system, run);

  const std::vector<double> seconds = recent(state.history.seconds, train.validate_every);
  state.steps = train.steps;
  tell_speed(seconds, state);
  state.latest = saved(run, run.latest_checkpoint(), observer.now);
  state.best = saved(run, run.best_checkpoint(), observer.now);
  state.silent_seconds = files.newest ? seconds_between(*files.newest, observer.now) : 0.0;
  state.late = state.silent_seconds > std::max(patience_seconds, patience_in_pauses * longest_pause(seconds));
  if (files.lock) state.beat_seconds = seconds_between(*files.lock, observer.now);

  if (summary && !has_gone_on(files, *summary, state.history, is_quiet(state))) {
    state.activity = activity_of(summary->ended);
    state.reason = summary->reason;
    state.seconds = summary->seconds;
    state.ranks = summary->ranks;
    state.place.reset();
    state.beat_seconds.reset();
    state.late = false;
    return state;
  }
  if (state.place && observer.is_alive) state.lives = observer.is_alive(*state.place);
  state.activity = judge(state);
  state.ranks = state.place && state.place->ranks > 0 ? state.place->ranks : ranks_of(state.latest);
  if (state.activity == Activity::running && state.seconds_a_step) {
    const int64_t steps_left = std::max<int64_t>(0, state.steps - state.history.steps_done);
    state.seconds_left = *state.seconds_a_step * static_cast<double>(steps_left);
  }
  return state;
}

}  // namespace causalfm::run
