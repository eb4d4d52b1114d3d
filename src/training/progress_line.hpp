#pragma once

#include "training/step.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

namespace spdlog {
class logger;
}

namespace causalfm::training {

/// Where the time of one step went, on this rank.
struct StepTime {
  double seconds = 0.0;
  int64_t curves = 0;                  ///< of all ranks
  double data_wait_seconds = 0.0;      ///< for the loader
  double communication_seconds = 0.0;  ///< exposed: with nothing else to do than wait for collectives
};

/// Tells a person how far a run is: on a terminal one line of at most 110 columns that is redrawn, elsewhere a plain
/// line now and then, more and more rarely, so that the log of a month has some 2,000 of them. A line has the losses of
/// the last step, and of the steps since the line before it the speed and the shares of time spent waiting for data and
/// for other ranks. Rank 0 only.
class ProgressLine {
 public:
  using Clock = std::chrono::steady_clock;

  /// @param terminal null: into the log.
  ProgressLine(spdlog::logger& log, std::ostream* terminal, int64_t steps,
               std::function<Clock::time_point()> now = Clock::now);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `step` updates are done, of which the last gave `losses` and took `time`.
  void show(int64_t step, const Losses& losses, const StepTime& time);

  /// Makes room for a line of the log.
  void clear();

 private:
  bool is_due(Clock::time_point now) const;
  std::string text(int64_t step, const Losses& losses, Clock::time_point now) const;

  spdlog::logger& log_;
  std::ostream* terminal_;
  int64_t steps_;
  std::function<Clock::time_point()> now_;
  int64_t first_step_ = -1;
  Clock::time_point created_;
  Clock::time_point start_;
  Clock::time_point shown_;
  StepTime since_shown_;
};

/// "2 h 05 min", "3 min 20 s", "12 s"
std::string duration_text(double seconds);

}  // namespace causalfm::training
