#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>

// What cudaStream_t and cudaEvent_t point to.
struct CUstream_st;
struct CUevent_st;

namespace causalfm::comm {

using Stream = CUstream_st*;
using Event = CUevent_st*;

/// What the NCCL backend asks of a device. Nothing in here waits on the host: a backend that only has these functions
/// cannot synchronise. cuda_device.cpp fills it for CUDA and is the only file that does; tests fill it with a double.
/// Each function throws CommunicationError with the device's own words when it fails.
struct DeviceApi {
  void (*use)(int64_t device);  ///< from now on the calling thread's device

  Stream (*current_stream)(int64_t device);  ///< where the calling thread's computation goes
  Stream (*create_stream)(int64_t device);   ///< that does not synchronise with the default stream
  void (*destroy_stream)(Stream stream);     ///< its work still ends

  Event (*create_event)(int64_t device, bool timed);
  void (*destroy_event)(Event event);
  void (*record)(Event event, Stream stream);             ///< `event` passes when the work now on `stream` is done
  void (*wait)(Stream stream, Event event);               ///< what comes on `stream` waits until `event` has passed
  bool (*query)(Event event);                             ///< whether it has passed
  double (*elapsed_seconds)(Event earlier, Event later);  ///< of timed events that have passed

  bool (*on_device)(const at::Tensor& tensor);            ///< false: in the host's memory
  at::Tensor (*allocate)(int64_t bytes, int64_t device);  ///< for the current stream; [bytes] uint8, not initialised
  at::Tensor (*allocate_pinned)(int64_t bytes);           ///< host memory that copies on a stream reach
  void (*copy)(void* to, const void* from, size_t bytes, Stream stream);  ///< between device and pinned memory
};

}  // namespace causalfm::comm
