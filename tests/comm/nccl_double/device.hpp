#pragma once

#include "comm/device_api.hpp"

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

/// A device that is none: memory of the host, streams that are threads. Each stream takes its work in order, one after
/// the other, after delays of random length, so that a wait that is missing gives wrong numbers. What CUDA forbids or
/// leaves undefined is a violation in the journal.
namespace causalfm::comm::nccl_double {

const DeviceApi& device_api();

/// From now on every stream waits up to this long before each piece of work.
void set_delays(uint64_t seed, std::chrono::microseconds longest);

/// Part of the device's memory.
struct Region {
  const void* start;
  size_t bytes;
};

/// Puts `work` on a stream, which reads or writes `regions` until it is done. Freeing them before is a violation.
void enqueue(Stream stream, std::function<void()> work, std::vector<Region> regions = {});

/// Whether `region` lies within one allocation on the device.
bool on_device(const Region& region);

/// Copies that have been put on streams since clear_copies().
int copies();
void clear_copies();

/// Whether this thread has said which device is its own.
bool has_device();

/// From now on the device refuses to make streams, or to tell of events, with a CommunicationError.
void refuse_streams(bool refuse);
void refuse_queries(bool refuse);

/// Timed events that have been created and not destroyed.
int timed_events();

/// How long anything of the double waits before it calls that a violation and goes on.
inline constexpr std::chrono::seconds longest_wait{15};

/// Waits until `done` is true. A violation after longest_wait.
bool wait_for(const std::function<bool()>& done, const char* what);

/// This thread's computation: its current stream, as long as the object lives, and what a test does with it.
class Computation {
 public:
  Computation();
  ~Computation();  ///< when the stream has done its work
  Computation(const Computation&) = delete;
  Computation& operator=(const Computation&) = delete;

  Stream stream() const { return stream_; }
  void enqueue(std::function<void()> work) { nccl_double::enqueue(stream_, std::move(work)); }

  /// A tensor on the device that has other values until the stream comes to this point.
  at::Tensor on_device(const at::Tensor& values);

  /// The values that a tensor on the device has when the stream comes to this point; the host waits for that.
  at::Tensor fetch(const at::Tensor& tensor);

  /// The host waits until the stream has done its work.
  void drain();

 private:
  Stream stream_;
};

/// A violation for each stream, event and allocation that is left; joins the threads of all streams.
void end_device();

}  // namespace causalfm::comm::nccl_double
