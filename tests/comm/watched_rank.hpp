#pragma once

#include "causalfm/comm/watchdog.hpp"

#include <unistd.h>

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace causalfm::comm {

/// Short enough for tests, long enough for a busy machine.
inline Watchdog::Timing quick() {
  using namespace std::chrono_literals;
  Watchdog::Timing timing;
  timing.deadline = 20s;
  timing.heartbeat = 50ms;
  timing.noticeable = 500ms;
  timing.patience = 1s;
  timing.last_resort = 20s;
  timing.abort = 500ms;
  return timing;
}

/// A name that no other job has.
inline std::string new_job() {
  static int jobs = 0;
  return "watchdog-test-" + std::to_string(::getpid()) + "-" + std::to_string(jobs++);
}

inline Call call(int64_t number) { return {Collective::barrier, "barrier", 0, number}; }

/// A watchdog, and what it asked of its program.
class Rank {
 public:
  Rank(const std::string& job, int64_t rank, int64_t world_size, const Watchdog::Timing& timing = quick())
      : Rank(Place{job, rank, world_size, rank, world_size, "node7"}, timing) {}

  explicit Rank(const Place& place, const Watchdog::Timing& timing = quick())
      : watchdog_(
            place,
            {[this](const std::string& sentence) { keep(said_, sentence); },
             [this](const std::string& sentence) { keep(warned_, sentence); }, [this](int code) { keep(left_, code); }},
            timing) {}

  Watchdog* operator->() { return &watchdog_; }
  std::vector<std::string> said() const { return copy(said_); }
  std::vector<std::string> warned() const { return copy(warned_); }
  std::vector<int> left() const { return copy(left_); }

 private:
  template <typename Value>
  void keep(std::vector<Value>& list, const Value& value) {
    const std::lock_guard lock(mutex_);
    list.push_back(value);
  }
  template <typename Value>
  std::vector<Value> copy(const std::vector<Value>& list) const {
    const std::lock_guard lock(mutex_);
    return list;
  }

  mutable std::mutex mutex_;
  std::vector<std::string> said_;
  std::vector<std::string> warned_;
  std::vector<int> left_;
  Watchdog watchdog_;  // last: its thread uses the others
};

}  // namespace causalfm::comm
