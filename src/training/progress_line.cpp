#include "training/progress_line.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <ostream>

namespace causalfm::training {

namespace {

using namespace std::chrono_literals;
constexpr auto redraw_every = 200ms;
constexpr auto log_every = 20s;

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

ProgressLine::ProgressLine(spdlog::logger& log, std::ostream* terminal, int64_t steps)
    : log_(log), terminal_(terminal), steps_(steps), start_(Clock::now()), shown_(start_) {}

ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::show(int64_t step, const Losses& losses, double curves_per_second) {
  const Clock::time_point now = Clock::now();
  if (first_step_ < 0) {  // the first step pays for what later ones find ready, and would spoil the time left
    first_step_ = step;
    start_ = now;
  }
  if (now - shown_ < (terminal_ != nullptr ? Clock::duration(redraw_every) : Clock::duration(log_every))) return;
  shown_ = now;

  std::string left;
  if (step > first_step_) {
    const double elapsed = std::chrono::duration<double>(now - start_).count();
    left = ", " +
           duration_text(elapsed / static_cast<double>(step - first_step_) * static_cast<double>(steps_ - step)) +
           " left";
  }
  const std::string line = fmt::format(
      "step {}/{}: loss {:.4f} (reconstruction {:.4f}, star {:.4f}, instrument {:.4f}), {:.0f} curves/s{}", step,
      steps_, losses.total, losses.reconstruction, losses.star, losses.instrument, curves_per_second, left);
  if (terminal_ != nullptr) {
    *terminal_ << '\r' << line << "\x1b[K" << std::flush;
  } else {
    log_.info(line);
  }
}

void ProgressLine::clear() {
  if (terminal_ != nullptr) *terminal_ << "\r\x1b[K" << std::flush;
}

}  // namespace causalfm::training
