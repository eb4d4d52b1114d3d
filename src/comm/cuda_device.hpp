#pragma once

#include "device_api.hpp"

#include <cstdint>
#include <string>

namespace causalfm::comm {

/// CUDA, with LibTorch's current streams and caching allocators.
const DeviceApi& cuda_device_api();

/// 32 hexadecimal digits, no two GPUs (or slices of one) have the same. @throws CommunicationError
std::string cuda_uuid(int64_t device);

}  // namespace causalfm::comm
