#pragma once

#include "device_resources.hpp"
#include "nccl_connection.hpp"

#include <ATen/core/Tensor.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace causalfm::comm {

/// The collectives under way, watched by a thread: it lets go of their memory when the device is done with it, and
/// fails the connection when a collective has passed the deadline, NCCL reports an error or the job has failed, so that
/// a host that is blocked on the device wakes. Any thread may call.
class NcclWatch {
 public:
  /// From the moment the host has put it on the stream until `done` passes.
  struct Flight {
    NcclWait wait;
    std::shared_ptr<DeviceEvent> done;  ///< recorded
    std::vector<at::Tensor> memory;     ///< that the device reads or writes until then
  };

  NcclWatch(std::shared_ptr<NcclConnection> connection, const DeviceApi& api, int64_t device);

  /// Gives flights that were ended by an abort a little time to pass; memory that the device may still use after that
  /// is never freed.
  ~NcclWatch();
  NcclWatch(const NcclWatch&) = delete;
  NcclWatch& operator=(const NcclWatch&) = delete;

  /// Flights come in the order of the stream.
  void add(Flight flight);

  /// Returns when every flight has passed or the connection has failed; the watch is over then.
  void finish();

 private:
  void run(const std::stop_token& stop);
  void stop();
  bool land();
  NcclWait oldest() const;

  std::shared_ptr<NcclConnection> connection_;
  const DeviceApi& api_;
  const int64_t device_;

  mutable std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::deque<Flight> flights_;  ///< oldest first
  std::jthread thread_;
};

}  // namespace causalfm::comm
