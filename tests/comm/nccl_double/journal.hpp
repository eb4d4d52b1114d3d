#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace causalfm::comm::nccl_double {

/// A call of one of NCCL's functions.
struct Record {
  std::string function;           ///< "ncclAllReduce"
  const void* communicator = {};  ///< null: of no communicator
  int64_t rank = -1;
  size_t count = 0;  ///< elements
  int type = -1;     ///< ncclDataType_t
  const void* stream = {};
  bool in_progress = false;  ///< whether the communicator was, when the call came
};

/// What the double has seen in this process. Every function may be called from any thread.
void record(Record record);
std::vector<Record> records();

/// `rank`'s calls in order; calls for the state come as one where several follow each other.
std::vector<std::string> functions_of(int64_t rank);

/// The code under test did what NCCL or CUDA forbid.
void violation(const std::string& what);
std::vector<std::string> violations();

void clear_journal();

}  // namespace causalfm::comm::nccl_double
