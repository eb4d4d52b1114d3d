#include "app/quantity_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace causalfm::app {

std::string bytes_text(double bytes) {
  constexpr double mib = 1048576.0;
  if (bytes < 0.1 * mib) return fmt::format("{:.1f} KiB", bytes / 1024.0);
  if (bytes < 1024.0 * mib) return fmt::format("{:.1f} MiB", bytes / mib);
  return fmt::format("{:.2f} GiB", bytes / (1024.0 * mib));
}

std::string seconds_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 1.0) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 120.0) return fmt::format("{:.1f} s", seconds);
  if (seconds < 7200.0) return fmt::format("{:.0f} min", seconds / 60.0);
  return fmt::format("{:.1f} h", seconds / 3600.0);
}

std::string time_text(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string grouped(int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t place = digits.size(); place > first + 3;) digits.insert(place -= 3, ",");
  return digits;
}

}  // namespace causalfm::app
