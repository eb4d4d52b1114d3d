#pragma once

#include "comm/nccl_double/meeting.hpp"

#include <nccl.h>

#include <cstddef>
#include <functional>
#include <vector>

namespace causalfm::comm::nccl_double {

enum class Kind { all_reduce, all_gather, reduce_scatter, broadcast, send, receive };

/// One call, as it stands on a stream.
struct Work {
  Kind kind;
  const void* from;  ///< null of a receive
  void* to;          ///< null of a send
  size_t count;
  ncclDataType_t type;
  ncclRedOp_t operation;
  int peer;  ///< or root
};

size_t size_of(ncclDataType_t type);

/// What a call reads and writes.
size_t bytes_read(const Work& work, int ranks);
size_t bytes_written(const Work& work, int ranks);

/// Does one group's calls: collectives one after the other, sends and receives all together. Ranks whose calls do not
/// match are a violation, and nothing is written then.
void carry_out(const std::vector<Work>& group, Meeting& meeting, int rank, int ranks,
               const std::function<bool()>& stop);

}  // namespace causalfm::comm::nccl_double
