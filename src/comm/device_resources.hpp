#pragma once

#include "device_api.hpp"

namespace causalfm::comm {

/// An event of a device, owned. Destroying it is fine at any time.
class DeviceEvent {
 public:
  enum class Kind { plain, timed };

  DeviceEvent(const DeviceApi& api, int64_t device, Kind kind = Kind::plain)
      : api_(api), event_(api.create_event(device, kind == Kind::timed)) {}
  ~DeviceEvent() { api_.destroy_event(event_); }
  DeviceEvent(const DeviceEvent&) = delete;
  DeviceEvent& operator=(const DeviceEvent&) = delete;

  void record(Stream stream) { api_.record(event_, stream); }
  void hold_up(Stream stream) const { api_.wait(stream, event_); }
  bool has_passed() const { return api_.query(event_); }
  double seconds_since(const DeviceEvent& earlier) const { return api_.elapsed_seconds(earlier.event_, event_); }

 private:
  const DeviceApi& api_;
  Event event_;
};

/// A stream of a device, owned. Work that is on it when it is destroyed still ends.
class DeviceStream {
 public:
  DeviceStream(const DeviceApi& api, int64_t device) : api_(api), stream_(api.create_stream(device)) {}
  ~DeviceStream() { api_.destroy_stream(stream_); }
  DeviceStream(const DeviceStream&) = delete;
  DeviceStream& operator=(const DeviceStream&) = delete;

  Stream get() const { return stream_; }

 private:
  const DeviceApi& api_;
  Stream stream_;
};

}  // namespace causalfm::comm
