#pragma once

#include "causalfm/comm/monitor.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace causalfm::comm {

using SteadyTime = std::chrono::steady_clock::time_point;
using Seconds = std::chrono::duration<double>;

/// What a rank was last known to do.
struct Activity {
  Phase phase = Phase::starting;
  int64_t step = -1;              ///< -1: none yet
  int64_t collective = -1;        ///< number of the last one that it came to; -1: none yet
  std::array<char, 104> words{};  ///< of that collective; cut off where longer, ends with 0

  void set_words(std::string_view text);
  bool operator==(const Activity&) const = default;
};

/// "in step 40, at all_reduce (sum) of 12 float32 (collective 7)"
std::string describe(const Activity& activity);

/// A rank that others wait for, or may have to.
struct Straggler {
  int64_t rank = 0;
  std::string host;             ///< empty: it has not been heard yet
  double silent_seconds = 0.0;  ///< 0: it is heard as often as it should
  Activity activity;
};

/// "rank 2 on node7, silent for 12 s, last known in step 40, at ..."
std::string describe(const Straggler& straggler);

/// "12", "0.3": seconds as a person reads them.
std::string seconds_text(double seconds);

}  // namespace causalfm::comm
