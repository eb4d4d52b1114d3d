#include "comm/nccl_double/nccl.hpp"

#include "comm/nccl_double/collectives.hpp"
#include "comm/nccl_double/device.hpp"
#include "comm/nccl_double/journal.hpp"
#include "comm/nccl_double/meeting.hpp"
#include "comm/nccl_double/memory.hpp"

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

/// A rank's communicator. Kept after its end, so that a late call is seen.
struct ncclComm {
  ncclComm(const std::string& name, int rank, int ranks, const causalfm::comm::nccl_double::Faults& faults)
      : rank(rank), ranks(ranks), faults(faults), meeting(name, rank, ranks) {}

  enum class Life { starting, working, finalizing, finalized, over };

  const int rank;
  const int ranks;
  const causalfm::comm::nccl_double::Faults faults;
  causalfm::comm::nccl_double::Meeting meeting;

  std::mutex mutex;
  Life life = Life::starting;
  ncclResult_t state = ncclInProgress;
  int questions_left = 0;
  int calls = 0;
  std::function<void()> launch;  ///< puts the last call on its stream, once it is no longer in progress
  std::vector<causalfm::comm::nccl_double::Region> regions;  ///< of the last call
  std::atomic<bool> aborted = false;
  std::atomic<int> running = 0;  ///< groups on streams
};

namespace causalfm::comm::nccl_double {
namespace {

using Life = ncclComm::Life;

struct Library {
  std::mutex mutex;
  std::vector<std::unique_ptr<ncclComm>> communicators;
  std::atomic<int> open_groups = 0;
};

Library& library() {
  static Library instance;
  return instance;
}

thread_local Faults next_faults;

/// This thread's group.
struct Group {
  int depth = 0;
  ncclComm_t communicator = nullptr;
  Stream stream = nullptr;
  std::vector<Work> works;
};
thread_local Group group;

/// Calls on one communicator must exclude each other.
std::unique_lock<std::mutex> lock_of(ncclComm& communicator) {
  std::unique_lock lock(communicator.mutex, std::try_to_lock);
  if (!lock) {
    violation("two threads call functions of one communicator at once");
    lock.lock();
  }
  return lock;
}

/// Writes the call down, and whether it may be made at all.
bool enter(const char* function, ncclComm_t communicator, size_t count = 0, int type = -1, Stream stream = nullptr) {
  const bool is_progress = communicator->state == ncclInProgress;
  record({function, communicator, communicator->rank, count, type, stream, is_progress});
  if (communicator->life == Life::over) {
    violation(std::string(function) + " on a communicator that is destroyed");
    return false;
  }
  return true;
}

/// For all calls but those for the state and for an abort.
bool enter_quiet(const char* function, ncclComm_t communicator, size_t count = 0, int type = -1,
                 Stream stream = nullptr) {
  if (!enter(function, communicator, count, type, stream)) return false;
  if (communicator->state == ncclInProgress) violation(std::string(function) + " on a communicator in progress");
  if (communicator->state != ncclSuccess && communicator->state != ncclInProgress) {
    violation(std::string(function) + " after an error");
  }
  return communicator->state == ncclSuccess;
}

/// The group as the stream sees it.
void run(ncclComm& communicator, const std::vector<Work>& works, int call) {
  const Faults& faults = communicator.faults;
  const auto stop = [&] { return communicator.aborted.load(); };
  std::this_thread::sleep_for(faults.lateness);
  if (call == faults.hangs_at || call == faults.fails_at) wait_for(stop, "an abort");
  if (!stop()) carry_out(works, communicator.meeting, communicator.rank, communicator.ranks, stop);
  --communicator.running;
}

/// The state of the communicator after a call whose work begins with `launch`. Its mutex is held.
ncclResult_t begin_progress(ncclComm& communicator, std::function<void()> launch) {
  communicator.questions_left = communicator.faults.questions_in_progress;
  communicator.launch = std::move(launch);
  communicator.state = ncclInProgress;
  if (communicator.questions_left == 0 && communicator.life == Life::working) {
    std::exchange(communicator.launch, {})();
    communicator.state = ncclSuccess;
  }
  return communicator.state;
}

bool fits_memory(const Work& work, int ranks) {
  const bool read = work.from == nullptr || on_device({work.from, bytes_read(work, ranks)});
  const bool written = work.to == nullptr || on_device({work.to, bytes_written(work, ranks)});
  if (!read) violation("NCCL would read beyond an allocation on the device");
  if (!written) violation("NCCL would write beyond an allocation on the device");
  return read && written;
}

ncclResult_t launch(ncclComm_t communicator, Stream stream, const std::vector<Work>& works) {
  const int ranks = communicator->ranks;
  std::vector<Region> regions;
  for (const Work& work : works) {
    if (!fits_memory(work, ranks)) return communicator->state = ncclInvalidArgument;
    if (work.from != nullptr) regions.push_back({work.from, bytes_read(work, ranks)});
    if (work.to != nullptr) regions.push_back({work.to, bytes_written(work, ranks)});
  }
  const int call = communicator->calls++;
  if (call == communicator->faults.refused_at) return communicator->state = ncclUnhandledCudaError;
  ++communicator->running;
  // In use from the call on, though it may come to the stream later.
  for (const Region& region : regions) begin_use(region);
  communicator->regions = regions;
  return begin_progress(*communicator, [=] {
    enqueue(stream, [=] {
      run(*communicator, works, call);
      for (const Region& region : regions) end_use(region);
    });
  });
}

ncclResult_t put(const char* function, ncclComm_t communicator, Stream stream, const Work& work) {
  const auto lock = lock_of(*communicator);
  if (!enter_quiet(function, communicator, work.count, work.type, stream)) return ncclInvalidArgument;
  if (group.depth == 0) return launch(communicator, stream, {work});
  if (group.communicator != nullptr && (group.communicator != communicator || group.stream != stream)) {
    violation("the double knows groups of one communicator and one stream only");
  }
  if (communicator->calls == communicator->faults.refused_at) return communicator->state = ncclUnhandledCudaError;
  group.communicator = communicator;
  group.stream = stream;
  group.works.push_back(work);
  return ncclSuccess;
}

ncclResult_t get_unique_id(ncclUniqueId* id) {
  if (next_faults.has_no_id) return ncclSystemError;
  const std::string name = Meeting::create();
  std::memset(id, 0, sizeof *id);
  name.copy(id->internal, sizeof id->internal - 1);
  return ncclSuccess;
}

ncclResult_t comm_init_rank_config(ncclComm_t* communicator, int ranks, ncclUniqueId id, int rank,
                                   ncclConfig_t* config) {
  const ncclConfig_t untouched = NCCL_CONFIG_INITIALIZER;
  if (config == nullptr || config->size != untouched.size || config->magic != untouched.magic) {
    violation("ncclCommInitRankConfig with a configuration that was not initialised");
    return ncclInvalidArgument;
  }
  if (config->blocking != 0) violation("a blocking communicator: a rank that is lost would hang the others");
  if (!has_device()) violation("ncclCommInitRankConfig on a thread that has not said which device is its own");
  if (rank < 0 || rank >= ranks) return ncclInvalidArgument;
  const std::lock_guard lock(library().mutex);
  library().communicators.push_back(std::make_unique<ncclComm>(id.internal, rank, ranks, next_faults));
  *communicator = library().communicators.back().get();
  (*communicator)->questions_left = next_faults.questions_in_progress;
  record({"ncclCommInitRankConfig", *communicator, rank});
  return ncclInProgress;
}

/// One question nearer to the end of what is in progress.
ncclResult_t progress(ncclComm& communicator) {
  if (communicator.state != ncclInProgress) return communicator.state;
  if (communicator.life == Life::starting && communicator.faults.start_fails) {
    return communicator.state = ncclSystemError;
  }
  const bool hangs = communicator.life == Life::starting     ? communicator.faults.start_hangs
                     : communicator.life == Life::finalizing ? communicator.faults.end_hangs
                                                             : false;
  if (hangs || communicator.questions_left-- > 0) return ncclInProgress;
  if (communicator.life == Life::starting && !communicator.meeting.complete()) return ncclInProgress;
  if (communicator.life == Life::finalizing && communicator.running > 0) return ncclInProgress;
  if (communicator.life == Life::starting) communicator.life = Life::working;
  if (communicator.life == Life::finalizing) communicator.life = Life::finalized;
  if (communicator.launch) std::exchange(communicator.launch, {})();
  return communicator.state = ncclSuccess;
}

ncclResult_t comm_get_async_error(ncclComm_t communicator, ncclResult_t* state) {
  const auto lock = lock_of(*communicator);
  if (!enter("ncclCommGetAsyncError", communicator)) return ncclInvalidArgument;
  std::this_thread::sleep_for(std::chrono::microseconds(20));  // so that another thread's call meets this one
  *state = progress(*communicator);
  const bool failed = communicator->faults.fails_at >= 0 && communicator->calls > communicator->faults.fails_at;
  if (*state == ncclSuccess && failed) *state = communicator->state = ncclRemoteError;
  return ncclSuccess;
}

ncclResult_t comm_finalize(ncclComm_t communicator) {
  const auto lock = lock_of(*communicator);
  if (!enter_quiet("ncclCommFinalize", communicator)) return ncclInvalidArgument;
  if (communicator->life != Life::working) violation("ncclCommFinalize a second time");
  if (communicator->calls == communicator->faults.refused_at) return communicator->state = ncclUnhandledCudaError;
  communicator->life = Life::finalizing;
  return begin_progress(*communicator, {});
}

ncclResult_t comm_destroy(ncclComm_t communicator) {
  const auto lock = lock_of(*communicator);
  if (!enter_quiet("ncclCommDestroy", communicator)) return ncclInvalidArgument;
  if (communicator->life != Life::finalized) violation("ncclCommDestroy before the communicator is finalized");
  communicator->life = Life::over;
  return ncclSuccess;
}

ncclResult_t comm_abort(ncclComm_t communicator) {
  {
    const auto lock = lock_of(*communicator);
    if (!enter("ncclCommAbort", communicator)) return ncclInvalidArgument;
    communicator->life = Life::over;
    // What has not been launched never will be.
    if (communicator->launch) {
      --communicator->running;
      for (const Region& region : communicator->regions) end_use(region);
    }
    communicator->launch = {};
    communicator->aborted = true;
  }
  return ncclSuccess;
}

ncclResult_t all_reduce(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t operation,
                        ncclComm_t communicator, Stream stream) {
  return put("ncclAllReduce", communicator, stream, {Kind::all_reduce, from, to, count, type, operation, 0});
}

ncclResult_t all_gather(const void* from, void* to, size_t count, ncclDataType_t type, ncclComm_t communicator,
                        Stream stream) {
  return put("ncclAllGather", communicator, stream, {Kind::all_gather, from, to, count, type, ncclSum, 0});
}

ncclResult_t reduce_scatter(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t operation,
                            ncclComm_t communicator, Stream stream) {
  return put("ncclReduceScatter", communicator, stream, {Kind::reduce_scatter, from, to, count, type, operation, 0});
}

ncclResult_t broadcast(const void* from, void* to, size_t count, ncclDataType_t type, int root, ncclComm_t communicator,
                       Stream stream) {
  return put("ncclBroadcast", communicator, stream, {Kind::broadcast, from, to, count, type, ncclSum, root});
}

ncclResult_t send(const void* from, size_t count, ncclDataType_t type, int peer, ncclComm_t communicator,
                  Stream stream) {
  if (group.depth == 0) violation("ncclSend outside of a group waits for its receive for ever");
  return put("ncclSend", communicator, stream, {Kind::send, from, nullptr, count, type, ncclSum, peer});
}

ncclResult_t receive(void* to, size_t count, ncclDataType_t type, int peer, ncclComm_t communicator, Stream stream) {
  if (group.depth == 0) violation("ncclRecv outside of a group waits for its send for ever");
  return put("ncclRecv", communicator, stream, {Kind::receive, nullptr, to, count, type, ncclSum, peer});
}

ncclResult_t group_start() {
  record({"ncclGroupStart"});
  ++library().open_groups;
  ++group.depth;
  return ncclSuccess;
}

ncclResult_t group_end() {
  record({"ncclGroupEnd"});
  if (group.depth == 0) {
    violation("ncclGroupEnd without a group");
    return ncclInvalidUsage;
  }
  --library().open_groups;
  if (--group.depth > 0) return ncclSuccess;
  const Group closed = std::exchange(group, {});
  if (closed.communicator == nullptr) return ncclSuccess;
  const auto lock = lock_of(*closed.communicator);
  // A call in the group has failed, and with it the group.
  if (closed.communicator->state != ncclSuccess) return closed.communicator->state;
  return launch(closed.communicator, closed.stream, closed.works);
}

const char* get_error_string(ncclResult_t result) {
  return result == ncclRemoteError ? "remote process exited or there was a network error" : "the double's error";
}

const char* get_last_error(ncclComm_t) { return "the double's last words"; }

}  // namespace

const NcclApi& nccl_api() {
  static constexpr NcclApi api{
      .get_unique_id = get_unique_id,
      .comm_init_rank_config = comm_init_rank_config,
      .comm_get_async_error = comm_get_async_error,
      .comm_finalize = comm_finalize,
      .comm_destroy = comm_destroy,
      .comm_abort = comm_abort,
      .all_reduce = all_reduce,
      .all_gather = all_gather,
      .reduce_scatter = reduce_scatter,
      .broadcast = broadcast,
      .send = send,
      .receive = receive,
      .group_start = group_start,
      .group_end = group_end,
      .get_error_string = get_error_string,
      .get_last_error = get_last_error,
  };
  return api;
}

void set_faults(const Faults& faults) { next_faults = faults; }

bool group_is_open() { return group.depth > 0; }

void end_nccl() {
  const std::lock_guard lock(library().mutex);
  for (const auto& communicator : library().communicators) {
    if (communicator->life != Life::over) violation("a communicator is neither destroyed nor aborted");
    wait_for([&] { return communicator->running == 0; }, "the work of a communicator");
  }
  if (library().open_groups.exchange(0) != 0) violation("a group is left open");
  library().communicators.clear();
}

}  // namespace causalfm::comm::nccl_double
