#pragma once

#include "nccl_api.hpp"
#include "nccl_connection.hpp"

#include <exception>
#include <string>

/// Why a connection ends, as exceptions that say place, cause and remedy.
namespace causalfm::comm {

/// NCCL returned or reports `result`.
std::exception_ptr nccl_failure(const NcclApi& api, const std::string& place, ncclResult_t result);

/// `wait` has gone on for longer than the deadline. Names who is missing where the monitor knows.
std::exception_ptr deadline_failure(const NcclWait& wait, const Options& options);

}  // namespace causalfm::comm
