#pragma once

#include "causalfm/comm/communicator.hpp"

#include "device_api.hpp"
#include "nccl_api.hpp"

#include <cstdint>
#include <memory>

namespace causalfm::comm {

/// The NCCL backend on the functions of two tables, which outlive it. `device` is this rank's alone. See make_nccl in
/// causalfm/comm/backends.hpp.
std::unique_ptr<Communicator> make_nccl(const NcclApi& nccl, const DeviceApi& api, Communicator& control,
                                        int64_t device, const Options& options);

}  // namespace causalfm::comm
