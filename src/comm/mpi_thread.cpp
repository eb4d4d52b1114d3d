#include "mpi_thread.hpp"

#include "causalfm/comm/error.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <utility>

namespace causalfm::comm {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

}  // namespace

void check_mpi(int code, const std::string& place) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
  throw CommunicationError(place + " failed in MPI: " + std::string(text, length) +
                           "; look for the first error in the other ranks' output");
}

MpiThread::MpiThread() : thread_([this] { serve(); }) {}

MpiThread::~MpiThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  asked_.notify_one();
  thread_.join();
}

void MpiThread::run(const std::function<void()>& task) {
  bool returned = false;
  std::exception_ptr error;
  std::unique_lock lock(mutex_);
  tasks_.emplace_back([&] {
    try {
      task();
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard answer(mutex_);
    returned = true;
  });
  asked_.notify_one();
  answered_.wait(lock, [&] { return returned; });
  if (error) std::rethrow_exception(error);
}

bool MpiThread::run_first(std::function<void()> task, std::chrono::duration<double> patience) {
  const auto returned = std::make_shared<bool>(false);
  std::unique_lock lock(mutex_);
  tasks_.emplace_front([this, task = std::move(task), returned] {
    task();
    const std::lock_guard answer(mutex_);
    *returned = true;
  });
  asked_.notify_one();
  return answered_.wait_for(lock, patience, [&] { return *returned; });
}

std::shared_ptr<MpiThread::Exchange> MpiThread::start(std::string place, std::function<void(MPI_Request*)> begin,
                                                      std::shared_ptr<void> buffers) {
  auto exchange = std::make_shared<Exchange>();
  exchange->place_ = std::move(place);
  exchange->buffers_ = std::move(buffers);
  {
    const std::lock_guard lock(mutex_);
    tasks_.emplace_back([this, exchange, begin = std::move(begin)] {
      try {
        begin(&exchange->request_);
      } catch (...) {
        exchange->error_ = std::current_exception();
      }
      const std::lock_guard answer(mutex_);
      exchange->complete_ = exchange->error_ != nullptr;
      if (!exchange->complete_) under_way_.push_back(exchange);
    });
  }
  asked_.notify_one();
  return exchange;
}

bool MpiThread::wait_until(Exchange& exchange, Clock::time_point end) {
  std::unique_lock lock(mutex_);
  if (!exchange.complete_) {
    ++waiting_;
    last_event_ = Clock::now();
    asked_.notify_one();
    answered_.wait_until(lock, end, [&] { return exchange.complete_; });
    --waiting_;
  }
  if (exchange.error_) std::rethrow_exception(exchange.error_);
  return exchange.complete_;
}

bool MpiThread::idle() {
  const std::lock_guard lock(mutex_);
  return tasks_.empty() && under_way_.empty();
}

void MpiThread::serve() {
  prctl(PR_SET_TIMERSLACK, 1UL);  // short waits are meant; by default each would take 50 us longer
  std::unique_lock lock(mutex_);
  while (true) {
    asked_.wait(lock, [&] { return ending_ || !tasks_.empty() || !under_way_.empty(); });
    if (ending_) return;
    while (!tasks_.empty()) {
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
      last_event_ = Clock::now();
      answered_.notify_all();
    }
    if (under_way_.empty()) continue;
    drive(lock);
    if (tasks_.empty() && !under_way_.empty()) pause(lock);
  }
}

void MpiThread::drive(std::unique_lock<std::mutex>& lock) {
  // Every test drives all requests, so that of the oldest is enough; ranks start exchanges in one order, so that the
  // oldest never waits for a younger one.
  while (!under_way_.empty()) {
    const std::shared_ptr<Exchange> oldest = under_way_.front();
    lock.unlock();
    int complete = 0;
    std::exception_ptr error;
    try {
      check_mpi(MPI_Test(&oldest->request_, &complete, MPI_STATUS_IGNORE), oldest->place_);
    } catch (const CommunicationError&) {
      error = std::current_exception();
    }
    lock.lock();
    if (!complete && !error) return;
    under_way_.pop_front();  // only this thread changes it
    oldest->error_ = error;
    oldest->complete_ = true;
    oldest->buffers_.reset();
    last_event_ = Clock::now();
    answered_.notify_all();
  }
}

void MpiThread::pause(std::unique_lock<std::mutex>& lock) {
  const auto asked = [&] { return ending_ || !tasks_.empty(); };
  const Clock::duration eventless = Clock::now() - last_event_;
  if (waiting_ == 0) {
    // A look costs system calls on a core that computes. An exchange that takes long loses little by being looked at
    // seldom.
    const auto interval = std::clamp<Clock::duration>(eventless / 2, 200us, 2ms);
    asked_.wait_for(lock, interval, [&] { return asked() || waiting_ > 0; });
    return;
  }
  // With a core for each thread, polling answers soonest. With fewer, the rank waited for needs this one, and who has
  // waited long is waiting for computation and may as well sleep.
  if (eventless > 5ms) {
    asked_.wait_for(lock, 50us, asked);
  } else if (eventless > 20us) {
    // Not sched_yield: some kernels then keep other processes of the core, even the launcher, waiting for seconds.
    asked_.wait_for(lock, 5us, asked);
  }
}

}  // namespace causalfm::comm
