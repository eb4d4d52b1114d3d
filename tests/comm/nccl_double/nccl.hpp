#pragma once

#include "comm/nccl_api.hpp"

#include <chrono>
#include <cstdint>

/// NCCL as its manual describes the behaviour of non-blocking communicators, over the double's device and memory that
/// ranks share, be they threads of one process or processes. Calls that NCCL forbids are violations in the journal.
namespace causalfm::comm::nccl_double {

const NcclApi& nccl_api();

/// What goes wrong on this thread's next communicator. Calls are numbered from 0; finalizing is one.
struct Faults {
  int questions_in_progress = 0;          ///< how often each call's state is answered with ncclInProgress
  std::chrono::milliseconds lateness{0};  ///< by which collectives end late on the stream
  int hangs_at = -1;                      ///< this call's kernel ends only with an abort
  int fails_at = -1;                      ///< this call hangs, and NCCL reports a remote error
  int refused_at = -1;                    ///< this call returns an error at once
  bool start_fails = false;               ///< NCCL reports an error while the communicator starts
  bool start_hangs = false;               ///< the communicator stays in progress
  bool end_hangs = false;                 ///< it stays in progress when it is finalized
  bool has_no_id = false;                 ///< ncclGetUniqueId fails
};
void set_faults(const Faults& faults);

/// Whether this thread has opened a group and not closed it.
bool group_is_open();

/// A violation for each communicator and group that is left.
void end_nccl();

}  // namespace causalfm::comm::nccl_double
