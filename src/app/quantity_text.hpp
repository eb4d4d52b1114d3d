#pragma once

#include <chrono>
#include <cstdint>
#include <string>

/// Quantities as a person reads them.
namespace causalfm::app {

/// "12.0 KiB", "3.4 MiB", "1.25 GiB"
std::string bytes_text(double bytes);

/// "250 us", "1.5 ms", "59.0 s", "12 min", "2.5 h"
std::string seconds_text(double seconds);

/// ISO 8601 to the second, UTC: "2025-11-26T01:50:11Z"
std::string time_text(std::chrono::system_clock::time_point time);

/// "12,345"
std::string grouped(int64_t number);

}  // namespace causalfm::app
