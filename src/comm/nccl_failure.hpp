#pragma once

#include "nccl_api.hpp"
#include "nccl_connection.hpp"

#include <exception>

/// Why a connection ends, as exceptions that say place, cause and remedy, and who is missing where the monitor knows.
namespace causalfm::comm {

/// NCCL returned or reports `result` while `wait` lasted.
std::exception_ptr nccl_failure(const NcclApi& api, ncclResult_t result, const NcclWait& wait, const Options& options);

/// `wait` has gone on for longer than the deadline.
std::exception_ptr deadline_failure(const NcclWait& wait, const Options& options);

}  // namespace causalfm::comm
