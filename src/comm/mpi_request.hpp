#pragma once

#include <mpi.h>

#include <chrono>
#include <string>

namespace causalfm::comm {

/// @throws CommunicationError with MPI's own words when `code`, returned by an MPI function, is not MPI_SUCCESS.
void check_mpi(int code, const std::string& place);

/// Drives `request` until it is complete (true) or `end` has passed (false).
/// @throws CommunicationError when MPI reports an error.
bool completes_by(MPI_Request& request, std::chrono::steady_clock::time_point end, const std::string& place);

/// A point in time `duration` after `start`.
std::chrono::steady_clock::time_point after(std::chrono::steady_clock::time_point start,
                                            std::chrono::duration<double> duration);

}  // namespace causalfm::comm
