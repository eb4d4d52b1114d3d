#include "cuda_device.hpp"

#include "causalfm/comm/error.hpp"

#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <array>
#include <string>

namespace causalfm::comm {
namespace {

void check(cudaError_t result, const char* function) {
  if (result == cudaSuccess) return;
  throw CommunicationError(
      std::string(function) + " failed in CUDA: " + cudaGetErrorString(result) +
      "; see nvidia-smi for driver and GPU, or run again with CUDA_LAUNCH_BLOCKING=1 to find a kernel that failed");
}

c10::DeviceIndex index_of(int64_t device) { return static_cast<c10::DeviceIndex>(device); }

void use(int64_t device) { check(cudaSetDevice(static_cast<int>(device)), "cudaSetDevice"); }

Stream current_stream(int64_t device) { return c10::cuda::getCurrentCUDAStream(index_of(device)).stream(); }

Stream create_stream(int64_t device) {
  const c10::cuda::CUDAGuard guard(index_of(device));
  int least_priority = 0;
  int greatest_priority = 0;
  check(cudaDeviceGetStreamPriorityRange(&least_priority, &greatest_priority), "cudaDeviceGetStreamPriorityRange");
  // The kernels of a collective are small and others wait for them: they go first where both could run.
  Stream stream = nullptr;
  check(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, greatest_priority),
        "cudaStreamCreateWithPriority");
  return stream;
}

// Errors of the past come back from destruction too, where nobody can act on them.
void destroy_stream(Stream stream) { static_cast<void>(cudaStreamDestroy(stream)); }
void destroy_event(Event event) { static_cast<void>(cudaEventDestroy(event)); }

Event create_event(int64_t device, bool timed) {
  const c10::cuda::CUDAGuard guard(index_of(device));
  Event event = nullptr;
  check(cudaEventCreateWithFlags(&event, timed ? cudaEventDefault : cudaEventDisableTiming),
        "cudaEventCreateWithFlags");
  return event;
}

void record(Event event, Stream stream) { check(cudaEventRecord(event, stream), "cudaEventRecord"); }

void wait(Stream stream, Event event) { check(cudaStreamWaitEvent(stream, event, 0), "cudaStreamWaitEvent"); }

bool query(Event event) {
  const cudaError_t result = cudaEventQuery(event);
  if (result == cudaErrorNotReady) {
    static_cast<void>(cudaGetLastError());  // no error that a later check is to find
    return false;
  }
  check(result, "cudaEventQuery");
  return true;
}

double elapsed_seconds(Event earlier, Event later) {
  float milliseconds = 0.0F;
  check(cudaEventElapsedTime(&milliseconds, earlier, later), "cudaEventElapsedTime");
  return 1e-3 * milliseconds;
}

bool on_device(const at::Tensor& tensor) { return tensor.is_cuda(); }

at::Tensor allocate(int64_t bytes, int64_t device) {
  return at::empty({bytes}, at::TensorOptions(at::kByte).device(at::kCUDA, index_of(device)));
}

at::Tensor allocate_pinned(int64_t bytes) {
  return at::empty({bytes}, at::TensorOptions(at::kByte).pinned_memory(true));
}

void copy(void* to, const void* from, size_t bytes, Stream stream) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream), "cudaMemcpyAsync");
}

}  // namespace

const DeviceApi& cuda_device_api() {
  static constexpr DeviceApi api{
      .use = use,
      .current_stream = current_stream,
      .create_stream = create_stream,
      .destroy_stream = destroy_stream,
      .create_event = create_event,
      .destroy_event = destroy_event,
      .record = record,
      .wait = wait,
      .query = query,
      .elapsed_seconds = elapsed_seconds,
      .on_device = on_device,
      .allocate = allocate,
      .allocate_pinned = allocate_pinned,
      .copy = copy,
  };
  return api;
}

std::string cuda_bus_id(int64_t device) {
  std::array<char, 32> text{};
  check(cudaDeviceGetPCIBusId(text.data(), static_cast<int>(text.size()), static_cast<int>(device)),
        "cudaDeviceGetPCIBusId");
  return text.data();
}

}  // namespace causalfm::comm
