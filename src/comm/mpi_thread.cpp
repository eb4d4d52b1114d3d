#include "mpi_thread.hpp"

#include "causalfm/comm/error.hpp"

#include <sched.h>

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
  exchange->place = std::move(place);
  exchange->buffers = std::move(buffers);
  {
    const std::lock_guard lock(mutex_);
    tasks_.emplace_back([this, exchange, begin = std::move(begin)] {
      try {
        begin(&exchange->request);
      } catch (...) {
        exchange->error = std::current_exception();
      }
      const std::lock_guard answer(mutex_);
      exchange->complete = exchange->error != nullptr;
      if (!exchange->complete) under_way_.push_back(exchange);
    });
  }
  asked_.notify_one();
  return exchange;
}

bool MpiThread::wait_until(Exchange& exchange, Clock::time_point end) {
  std::unique_lock lock(mutex_);
  if (!exchange.complete) {
    ++waiting_;
    last_answer_ = Clock::now();
    asked_.notify_one();
    answered_.wait_until(lock, end, [&] { return exchange.complete; });
    --waiting_;
  }
  if (exchange.error) std::rethrow_exception(exchange.error);
  return exchange.complete;
}

bool MpiThread::idle() {
  const std::lock_guard lock(mutex_);
  return tasks_.empty() && under_way_.empty();
}

void MpiThread::serve() {
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
      answered_.notify_all();
    }
    if (under_way_.empty()) continue;
    drive(lock);
    if (tasks_.empty() && !under_way_.empty()) pause(lock);
  }
}

void MpiThread::drive(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  std::list<std::shared_ptr<Exchange>> ended;  // only this thread changes under_way_
  for (auto exchange = under_way_.begin(); exchange != under_way_.end();) {
    const auto next = std::next(exchange);
    int complete = 0;
    try {
      check_mpi(MPI_Test(&(*exchange)->request, &complete, MPI_STATUS_IGNORE), (*exchange)->place);
    } catch (const CommunicationError&) {
      (*exchange)->error = std::current_exception();
    }
    if (complete || (*exchange)->error) {
      const std::lock_guard removal(mutex_);
      ended.splice(ended.end(), under_way_, exchange);
    }
    exchange = next;
  }
  lock.lock();
  for (const auto& exchange : ended) {
    exchange->complete = true;
    exchange->buffers.reset();
  }
  if (ended.empty()) return;
  last_answer_ = Clock::now();
  answered_.notify_all();
}

void MpiThread::pause(std::unique_lock<std::mutex>& lock) {
  const auto asked = [&] { return ending_ || !tasks_.empty(); };
  if (waiting_ == 0) {
    asked_.wait_for(lock, 100us, [&] { return asked() || waiting_ > 0; });
    return;
  }
  // With a core for each thread, polling answers soonest. With fewer, the rank waited for needs this one, and who has
  // waited long is waiting for computation and may as well sleep.
  const Clock::duration unanswered = Clock::now() - last_answer_;
  if (unanswered > 5ms) {
    asked_.wait_for(lock, 50us, asked);
  } else if (unanswered > 20us) {
    lock.unlock();
    sched_yield();
    lock.lock();
  }
}

}  // namespace causalfm::comm
