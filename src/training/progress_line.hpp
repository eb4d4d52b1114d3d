#pragma once

#include "training/step.hpp"

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace spdlog {
class logger;
}

namespace causalfm::training {

/// Tells a person how far a run is: on a terminal one line that is redrawn, elsewhere a plain line now and then, so
/// that a log of a month stays readable. Rank 0 only.
class ProgressLine {
 public:
  using Clock = std::chrono::steady_clock;

  ProgressLine(spdlog::logger& log, std::ostream* terminal, int64_t steps);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `step` updates are done.
  void show(int64_t step, const Losses& losses, double curves_per_second);

  /// Makes room for a line of the log.
  void clear();

 private:
  spdlog::logger& log_;
  std::ostream* terminal_;
  int64_t steps_;
  int64_t first_step_ = -1;
  Clock::time_point start_;
  Clock::time_point shown_;
};

/// "2 h 05 min", "3 min 20 s", "12 s"
std::string duration_text(double seconds);

}  // namespace causalfm::training
