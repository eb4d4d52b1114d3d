#pragma once

#include <mpi.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace causalfm::comm {

/// @throws CommunicationError with MPI's own words when `code`, returned by an MPI function, is not MPI_SUCCESS.
void check_mpi(int code, const std::string& place);

/// The one thread of the process that calls MPI. Open MPI makes progress only inside calls, so this thread also drives
/// what is under way while others compute: closely while somebody waits for it, now and then while nobody does, for
/// then the core belongs to the computation. Every member function may be called from any other thread.
class MpiThread {
 public:
  /// A nonblocking operation of MPI between its start and its end. Whoever drops it leaves it to the thread, which
  /// keeps what MPI reads and writes until the end.
  class Exchange;

  MpiThread();

  /// Lets the task at hand return, then ends; what is unfinished then stays unfinished.
  ~MpiThread();
  MpiThread(const MpiThread&) = delete;
  MpiThread& operator=(const MpiThread&) = delete;

  /// Calls `task` on the thread after all that was handed in before and returns when it has; rethrows what it throws.
  void run(const std::function<void()>& task);

  /// Calls `task` on the thread before everything that waits; false when it has not returned within `patience`, and
  /// then it is called as soon as the thread can.
  bool run_first(std::function<void()> task, std::chrono::duration<double> patience);

  /// Has the thread call `begin`, which starts an operation of MPI and fills its request, in the order of the calls to
  /// start(), and drive it to its end. `place` names it in errors; `buffers` is what MPI reads and writes meanwhile.
  /// Does not wait.
  std::shared_ptr<Exchange> start(std::string place, std::function<void(MPI_Request*)> begin,
                                  std::shared_ptr<void> buffers);

  /// Waits until `exchange` is complete (true) or `end` has passed (false). @throws CommunicationError for MPI's
  /// errors.
  bool wait_until(Exchange& exchange, std::chrono::steady_clock::time_point end);

  /// Nothing is under way.
  bool idle();

 private:
  void serve();
  void drive(std::unique_lock<std::mutex>& lock);
  void pause(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable asked_;     ///< the thread sleeps here
  std::condition_variable answered_;  ///< the others wait here
  std::deque<std::function<void()>> tasks_;
  std::deque<std::shared_ptr<Exchange>> under_way_;
  int64_t waiting_ = 0;  ///< threads in wait_until
  bool ending_ = false;
  std::chrono::steady_clock::time_point last_event_;  ///< when something was asked for or came to its end
  std::thread thread_;                                ///< last: it uses all the others
};

class MpiThread::Exchange {
  friend class MpiThread;

  std::string place_;
  std::shared_ptr<void> buffers_;
  MPI_Request request_ = MPI_REQUEST_NULL;
  std::exception_ptr error_;
  bool complete_ = false;
};

}  // namespace causalfm::comm
