#include "app/command_status.hpp"

#include "causalfm/run/json_text.hpp"
#include "causalfm/run/lock.hpp"
#include "causalfm/run/state.hpp"
#include "app/exit_code.hpp"
#include "app/quantity_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <ostream>
#include <string>

namespace causalfm::app {

namespace {

using Json = nlohmann::ordered_json;
using run::Activity;
using run::RunState;

std::string host_of(const RunState& state) {
  return state.place && !state.place->host.empty() ? state.place->host : "an unknown host";
}

std::string process_of(const RunState& state) {
  const bool known = state.place && state.place->pid > 0;
  return fmt::format("process {} on {}", known ? fmt::format("{}", state.place->pid) : "of an unknown number",
                     host_of(state));
}

std::string running_sentence(const RunState& state) {
  std::string text = "running";
  if (state.beat_seconds && !state.lives) {
    text += fmt::format(", as its files tell: {} cannot be seen from {}", process_of(state), run::this_host());
  }
  if (state.late) {
    text += fmt::format("; it lives, but has written no line for {}", seconds_text(state.silent_seconds));
  }
  return text;
}

std::string silent_sentence(const RunState& state) {
  const std::string text =
      fmt::format("silent since {}: it has not said that it ended", seconds_text(state.silent_seconds));
  if (!state.beat_seconds) return text + ", and no lock.json says that it runs";
  const std::string beat = fmt::format("lock.json, renewed every {:.0f} s by a living run, is {} old",
                                       run::LockTiming{}.beat.count(), seconds_text(*state.beat_seconds));
  if (state.lives) {
    return fmt::format("{}, and {} though {} exists: it is frozen, or cannot write", text, beat, process_of(state));
  }
  return fmt::format("{}, and {}; {} cannot be seen from {}, so look for it there", text, beat, process_of(state),
                     run::this_host());
}

std::string sentence_of(const RunState& state) {
  switch (state.activity) {
    case Activity::running:
      return running_sentence(state);
    case Activity::silent:
      return silent_sentence(state);
    case Activity::gone:
      return fmt::format("no longer running: {} is gone; the same command goes on from the last checkpoint",
                         process_of(state));
    case Activity::completed:
      return "completed: all steps done";
    case Activity::early_stopping:
      return "stopped early: the validation loss no longer improved";
    case Activity::interrupted:
      return "interrupted with its state saved: the same command goes on";
    case Activity::failed:
      return "failed: " + state.reason;
  }
  return run::to_string(state.activity);
}

std::string age_text(double seconds) { return seconds < 1.0 ? "less than 1 s ago" : seconds_text(seconds) + " ago"; }

/// The losses of a line, by the fields' names without `prefix`.
std::string losses_text(const Json& line, const std::string& prefix) {
  std::string text;
  for (const char* field : {"loss", "reconstruction", "star", "instrument"}) {
    if (!line.contains(prefix + field)) continue;
    text += fmt::format("{}{} {:.4f}", text.empty() ? "" : ", ", field, run::number_of(line, prefix + field));
  }
  return text;
}

std::string validation_text(const Json& line) {
  std::string text = fmt::format("step {}: {}", grouped(line["step"].get<int64_t>()), losses_text(line, "validation_"));
  for (const char* space : {"star", "instrument"}) {
    const std::string field = fmt::format("validation_{}_recall", space);
    if (line.contains(field)) text += fmt::format(", {} recall {:.3f}", space, run::number_of(line, field));
  }
  return text;
}

std::string progress_text(const RunState& state) {
  const int64_t done = state.history.steps_done;
  std::string text = fmt::format("{} of {}", grouped(done), grouped(state.steps));
  if (state.steps > 0)
    text += fmt::format(" ({:.1f} %)", 100.0 * static_cast<double>(done) / static_cast<double>(state.steps));
  text += fmt::format(", {} of training", seconds_text(state.seconds));
  if (state.seconds_left) text += fmt::format(", {} left", seconds_text(*state.seconds_left));
  return text;
}

std::string place_text(const RunState& state) {
  std::string text = state.ranks > 0 ? fmt::format("{}", state.ranks) : "unknown";
  if (!state.place) return text;
  const run::Place& place = *state.place;
  if (!place.hosts.empty()) {
    text += fmt::format(" on {}", fmt::join(place.hosts, ", "));
  } else if (!place.host.empty()) {
    text += fmt::format(" on {}", place.host);
  }
  if (place.pid > 0) text += fmt::format(", rank 0 is process {} on {}", place.pid, place.host);
  if (!place.started.empty()) text += fmt::format(", started {}", place.started);
  return text;
}

void print(const RunState& state, const std::filesystem::path& folder, std::ostream& output) {
  const auto line = [&](const char* name, const std::string& text) {
    output << fmt::format("{:<12} {}\n", name, text);
  };
  output << folder.string() << ": " << sentence_of(state) << "\n";
  line("steps", progress_text(state));
  if (state.curves_per_second) {
    line("speed", fmt::format("{:.0f} curves/s{}", *state.curves_per_second,
                              state.seconds_a_step ? ", " + seconds_text(*state.seconds_a_step) + " a step" : ""));
  }
  const run::History& history = state.history;
  if (history.last_training) line("training", losses_text(*history.last_training, ""));
  if (!history.validations.empty()) line("validation", validation_text(history.validations.back()));
  if (const Json* best = history.best()) line("best", validation_text(*best));
  if (state.latest) {
    line("checkpoint", fmt::format("step {}, written {}: {}", grouped(state.latest->step),
                                   age_text(state.latest->age_seconds), state.latest->file.string()));
  }
  line("ranks", place_text(state));
  line("last change", age_text(state.silent_seconds));
}

Json to_json(const run::SavedCheckpoint& checkpoint) {
  return {{"file", checkpoint.file.string()}, {"step", checkpoint.step}, {"age_seconds", checkpoint.age_seconds}};
}

Json to_json(const run::Place& place) {
  Json json = Json::object();
  if (!place.host.empty()) json["host"] = place.host;
  if (place.pid > 0) json["pid"] = place.pid;
  if (!place.started.empty()) json["started"] = place.started;
  if (!place.hosts.empty()) json["hosts"] = place.hosts;
  return json;
}

Json to_json(const RunState& state, const std::filesystem::path& folder) {
  const run::History& history = state.history;
  Json json{{"run", folder.string()},
            {"state", run::to_string(state.activity)},
            {"sentence", sentence_of(state)},
            {"steps_done", history.steps_done},
            {"steps", state.steps},
            {"seconds", state.seconds},
            {"silent_seconds", state.silent_seconds}};
  if (state.beat_seconds) json["beat_seconds"] = *state.beat_seconds;
  if (state.lives) json["lives"] = *state.lives;
  if (!state.reason.empty()) json["reason"] = state.reason;
  if (state.curves_per_second) json["curves_per_second"] = *state.curves_per_second;
  if (state.seconds_a_step) json["seconds_a_step"] = *state.seconds_a_step;
  if (state.seconds_left) json["seconds_left"] = *state.seconds_left;
  if (history.last_training) json["last_training"] = *history.last_training;
  if (!history.validations.empty()) json["last_validation"] = history.validations.back();
  if (const Json* best = history.best()) json["best_validation"] = *best;
  if (state.latest) json["latest_checkpoint"] = to_json(*state.latest);
  if (state.best) json["best_checkpoint"] = to_json(*state.best);
  if (state.ranks > 0) json["ranks"] = state.ranks;
  if (state.place) json["place"] = to_json(*state.place);
  return json;
}

}  // namespace

int status_command(const std::filesystem::path& folder, bool json, std::ostream& output) {
  const auto file_system = storage::make_real_file_system();
  const RunState state = run::read_state(*file_system, folder, run::observer_here());
  if (json) {
    output << run::to_text(to_json(state, folder), 2) << "\n";
  } else {
    print(state, folder, output);
  }
  return static_cast<int>(ExitCode::done);
}

}  // namespace causalfm::app
