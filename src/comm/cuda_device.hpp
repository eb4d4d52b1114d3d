#pragma once

#include "device_api.hpp"

#include <cstdint>
#include <string>

namespace causalfm::comm {

/// CUDA, with LibTorch's current streams and caching allocators.
const DeviceApi& cuda_device_api();

/// "0000:3B:00.0", by which NCCL tells GPUs of a node apart too. @throws CommunicationError
std::string cuda_bus_id(int64_t device);

}  // namespace causalfm::comm
