#include "comm/activity.hpp"

#include <algorithm>
#include <cstdio>

namespace causalfm::comm {
namespace {

std::string phase_words(const Activity& activity) {
  const std::string step = std::to_string(activity.step);
  switch (activity.phase) {
    case Phase::starting:
      return "at the start";
    case Phase::step:
      return "in step " + step;
    case Phase::validation:
      return "in the validation of step " + step;
    case Phase::checkpoint:
      return "in the checkpoint of step " + step;
    case Phase::ending:
      return activity.step < 0 ? "at the end" : "at the end, after step " + step;
  }
  return "in an unknown phase";
}

}  // namespace

void Activity::set_words(std::string_view text) {
  words.fill(0);
  std::copy_n(text.begin(), std::min(text.size(), words.size() - 1), words.begin());
}

std::string describe(const Activity& activity) {
  std::string text = phase_words(activity);
  if (activity.collective >= 0) {
    text.append(", at ").append(activity.words.data());
    text.append(" (collective ").append(std::to_string(activity.collective)).append(")");
  }
  return text;
}

std::string describe(const Straggler& straggler) {
  std::string text = "rank " + std::to_string(straggler.rank);
  if (straggler.host.empty()) return text + ", which has not been heard";
  text += " on " + straggler.host;
  if (straggler.silent_seconds == 0.0) return text + ", " + describe(straggler.activity);
  return text + ", silent for " + seconds_text(straggler.silent_seconds) + " s, last known " +
         describe(straggler.activity);
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, seconds < 10 ? "%.2g" : "%.0f", seconds);
  return text;
}

}  // namespace causalfm::comm
