#include "nccl_watch.hpp"

#include <chrono>
#include <utility>

namespace causalfm::comm {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// Between two looks at the device, each some microseconds of one core.
constexpr auto interval = 10ms;

/// What copies behind an aborted collective may take.
constexpr auto patience_after_abort = 5s;

}  // namespace

NcclWatch::NcclWatch(std::shared_ptr<NcclConnection> connection, const DeviceApi& api, int64_t device)
    : connection_(std::move(connection)), api_(api), device_(device) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

NcclWatch::~NcclWatch() {
  stop();
  try {
    const Clock::time_point end = Clock::now() + patience_after_abort;
    while (!land() && Clock::now() < end) std::this_thread::sleep_for(1ms);
  } catch (...) {
    // The device does not answer any more: as if it were still at work.
  }
  if (!flights_.empty()) new std::deque<Flight>(std::move(flights_));
}

void NcclWatch::add(Flight flight) {
  const std::lock_guard lock(mutex_);
  flights_.push_back(std::move(flight));
}

void NcclWatch::finish() {
  const auto in_flight = [this] {
    const std::lock_guard lock(mutex_);
    return !flights_.empty();
  };
  while (in_flight() && !connection_->failed()) std::this_thread::sleep_for(1ms);
  stop();
}

void NcclWatch::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void NcclWatch::run(const std::stop_token& stop) {
  try {
    api_.use(device_);
    while (!stop.stop_requested()) {
      land();
      connection_->examine(oldest());
      std::unique_lock lock(mutex_);
      stopped_.wait_for(lock, stop, interval, [] { return false; });
    }
  } catch (...) {
    connection_->fail(std::current_exception());
  }
}

/// Lets go of the flights that have passed; whether none is left.
bool NcclWatch::land() {
  std::deque<Flight> passed;  // freed without the lock
  const std::lock_guard lock(mutex_);
  while (!flights_.empty() && flights_.front().done->has_passed()) {
    passed.push_back(std::move(flights_.front()));
    flights_.pop_front();
  }
  return flights_.empty();
}

/// What has been waited for longest; nothing in particular where nothing is under way.
NcclWait NcclWatch::oldest() const {
  const std::lock_guard lock(mutex_);
  return flights_.empty() ? NcclWait{connection_->place()} : flights_.front().wait;
}

}  // namespace causalfm::comm
