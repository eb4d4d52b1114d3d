#include "training/progress_line.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <utility>

namespace causalfm::training {

namespace {

using namespace std::chrono_literals;
using Duration = ProgressLine::Clock::duration;

constexpr std::size_t columns = 110;  // enough for everything below a million steps
constexpr Duration redraw_every = 200ms;
constexpr Duration log_at_least_every = 30min;
constexpr Duration log_at_most_every = 20s;
constexpr int log_part = 100;  // a line each time that another such part of the time so far has passed

/// At most five characters for anything below a million: "0.012", "12.34", "123.4", "12345".
std::string loss_text(double loss) {
  const double size = std::abs(loss);
  return fmt::format("{:.{}f}", loss, size < 9.9995 ? 3 : size < 99.995 ? 2 : size < 999.95 ? 1 : 0);
}

/// One unit, at most six characters below 100 days.
std::string left_text(double seconds) {
  constexpr double minute = 60.0, hour = 60.0 * minute, day = 24.0 * hour;
  if (seconds < minute) return fmt::format("{:.0f} s", std::floor(seconds));
  if (seconds < hour) return fmt::format("{:.0f} min", std::floor(seconds / minute));
  if (seconds < 10.0 * hour) return fmt::format("{:.1f} h", std::floor(10.0 * seconds / hour) / 10.0);
  if (seconds < 2.0 * day) return fmt::format("{:.0f} h", std::floor(seconds / hour));
  return fmt::format("{:.0f} d", std::floor(seconds / day));
}

/// At most five characters: "98765", "123k", "12M".
std::string rate_text(double rate) {
  if (rate < 99'999.5) return fmt::format("{:.0f}", rate);
  return rate < 999'500.0 ? fmt::format("{:.0f}k", rate / 1e3) : fmt::format("{:.0f}M", rate / 1e6);
}

int percent(double part, double whole) {
  return whole > 0.0 ? static_cast<int>(std::lround(100.0 * std::clamp(part / whole, 0.0, 1.0))) : 0;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

ProgressLine::ProgressLine(spdlog::logger& log, std::ostream* terminal, int64_t steps,
                           std::function<Clock::time_point()> now)
    : log_(log),
      terminal_(terminal),
      steps_(steps),
      now_(std::move(now)),
      created_(now_()),
      start_(created_),
      shown_(created_) {}

ProgressLine::~ProgressLine() { clear(); }

bool ProgressLine::is_due(Clock::time_point now) const {
  if (terminal_ != nullptr) return now - shown_ >= redraw_every;
  return now - shown_ >= std::clamp((now - created_) / log_part, log_at_most_every, log_at_least_every);
}

std::string ProgressLine::text(int64_t step, const Losses& losses, Clock::time_point now) const {
  const StepTime& time = since_shown_;
  std::string line = fmt::format(
      "{}/{} loss {} mse {} star {} instrument {}, {} curves/s, data {}% ranks {}%", step, steps_,
      loss_text(losses.total), loss_text(losses.reconstruction), loss_text(losses.star), loss_text(losses.instrument),
      rate_text(time.seconds > 0.0 ? static_cast<double>(time.curves) / time.seconds : 0.0),
      percent(time.data_wait_seconds, time.seconds), percent(time.communication_seconds, time.seconds));
  if (step > first_step_) {
    const double elapsed = std::chrono::duration<double>(now - start_).count();
    const double left = elapsed / static_cast<double>(step - first_step_) * static_cast<double>(steps_ - step);
    line += fmt::format(", {} left", left_text(left));
  }
  return line;
}

void ProgressLine::show(int64_t step, const Losses& losses, const StepTime& time) {
  const Clock::time_point now = now_();
  if (first_step_ < 0) {  // the first step pays for what later ones find ready, and would spoil the time left
    first_step_ = step;
    start_ = now;
  }
  since_shown_.seconds += time.seconds;
  since_shown_.curves += time.curves;
  since_shown_.data_wait_seconds += time.data_wait_seconds;
  since_shown_.communication_seconds += time.communication_seconds;
  if (!is_due(now)) return;
  std::string line = text(step, losses, now);
  shown_ = now;
  since_shown_ = {};
  if (terminal_ != nullptr) {
    line.resize(std::min(line.size(), columns));  // a line that the terminal breaks could not be redrawn
    *terminal_ << '\r' << line << "\x1b[K" << std::flush;
  } else {
    log_.info("step {}", line);
  }
}

void ProgressLine::clear() {
  if (terminal_ != nullptr) *terminal_ << "\r\x1b[K" << std::flush;
}

}  // namespace causalfm::training
