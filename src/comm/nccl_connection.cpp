#include "nccl_connection.hpp"

#include "causalfm/comm/error.hpp"

#include "nccl_failure.hpp"

#include <thread>
#include <utility>

namespace causalfm::comm {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

}  // namespace

void pause_in_wait(Clock::time_point since) {
  if (Clock::now() - since < 2ms) {
    std::this_thread::yield();
  } else {
    std::this_thread::sleep_for(100us);
  }
}

NcclConnection::NcclConnection(const NcclApi& api, const ncclUniqueId& id, int64_t rank, int64_t world_size,
                               Options options)
    : api_(api), rank_(rank), world_size_(world_size), options_(std::move(options)) {
  const NcclWait wait{"the start of " + place()};
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  const ncclResult_t started =
      api_.comm_init_rank_config(&communicator_, static_cast<int>(world_size_), id, static_cast<int>(rank_), &config);
  settle(started, wait);
}

NcclConnection::~NcclConnection() {
  if (communicator_ != nullptr) api_.comm_abort(communicator_);
}

void NcclConnection::issue(const NcclWait& wait, const Enqueue& enqueue) {
  ncclResult_t state = ncclSuccess;
  {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    state = enqueue(communicator_);
  }
  settle(state, wait);
}

void NcclConnection::examine(const NcclWait& wait) {
  if (!failed()) ends(state(), wait);
}

void NcclConnection::fail(const std::exception_ptr& failure) {
  ncclComm_t given_up = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return;
    failure_ = failure;
    given_up = std::exchange(communicator_, nullptr);
  }
  // Outside the lock, for it returns when the kernels have ended: until then others are to hear of the failure.
  if (given_up != nullptr) api_.comm_abort(given_up);
}

void NcclConnection::check() const {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

bool NcclConnection::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_ != nullptr;
}

void NcclConnection::close() noexcept {
  try {
    issue({"the end of " + place()}, [this](ncclComm_t communicator) { return api_.comm_finalize(communicator); });
    const std::lock_guard lock(mutex_);
    if (communicator_ != nullptr) api_.comm_destroy(std::exchange(communicator_, nullptr));
  } catch (...) {
    // It is aborted. Every collective is done, so that nobody is owed the reason.
  }
}

/// After a failure an error, which changes nothing: the first failure stands.
ncclResult_t NcclConnection::state() {
  const std::lock_guard lock(mutex_);
  if (communicator_ == nullptr) return ncclInvalidUsage;
  ncclResult_t state = ncclInternalError;
  const ncclResult_t asked = api_.comm_get_async_error(communicator_, &state);
  return asked == ncclSuccess ? state : asked;
}

/// Whether there is nothing more to wait for, be it by failure.
bool NcclConnection::ends(ncclResult_t state, const NcclWait& wait) {
  const std::optional<Failure> elsewhere = options_.monitor ? options_.monitor->failure() : std::nullopt;
  if (elsewhere) {
    fail(std::make_exception_ptr(PeerFailure(wait.place, *elsewhere)));
  } else if (is_error(state)) {
    fail(nccl_failure(api_, state, wait, options_));
  } else if (Clock::now() - wait.since >= options_.deadline) {
    fail(deadline_failure(wait, options_));
  }
  return state != ncclInProgress || failed();
}

void NcclConnection::settle(ncclResult_t state, const NcclWait& wait) {
  while (!ends(state, wait)) {
    pause_in_wait(wait.since);
    state = this->state();
  }
  check();
}

std::string NcclConnection::place() const {
  return "NCCL on rank " + std::to_string(rank_) + " of " + std::to_string(world_size_);
}

}  // namespace causalfm::comm
