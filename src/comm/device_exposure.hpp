#pragma once

#include "device_resources.hpp"

#include <cstdint>
#include <deque>
#include <memory>

namespace causalfm::comm {

/// For how long waits have held up the computation on a device: a timed event on the computation's stream before each
/// wait and one after it, read when both have passed. The host never waits. One thread.
class DeviceExposure {
 public:
  DeviceExposure(const DeviceApi& api, int64_t device) : api_(api), device_(device) {}

  /// The current stream waits for `done`.
  void hold_up(const DeviceEvent& done);

  /// Seconds in the waits that have passed by now.
  double seconds();

 private:
  struct Wait {
    std::unique_ptr<DeviceEvent> before;
    std::unique_ptr<DeviceEvent> after;
  };

  const DeviceApi& api_;
  int64_t device_;
  std::deque<Wait> waits_;  ///< not yet added to seconds_, oldest first
  double seconds_ = 0.0;
};

}  // namespace causalfm::comm
