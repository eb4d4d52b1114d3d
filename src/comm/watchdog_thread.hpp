#pragma once

#include "comm/board.hpp"
#include "comm/channel.hpp"
#include "comm/descriptor.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace causalfm::comm {

/// What stands behind Watchdog: its functions, and the thread that does the work.
class WatchdogThread {
 public:
  WatchdogThread(Place place, Watchdog::Hooks hooks, Watchdog::Timing timing);
  ~WatchdogThread();
  WatchdogThread(const WatchdogThread&) = delete;
  WatchdogThread& operator=(const WatchdogThread&) = delete;

  int64_t cover(const std::string& what, Seconds deadline, Watchdog::Patience patience);
  void release(int64_t number);
  void set_abort(std::function<void(int)> abort);
  std::string invitation();
  void join(const std::string& invitation);
  Verdict agree(const Failure& failure, bool echo);
  void announce(Phase phase, int64_t step);
  void started(const Call& call);
  std::optional<Failure> failure() const;
  std::string missing(const Call& call) const;

 private:
  struct Covered {
    std::string what;
    Seconds deadline;
    Watchdog::Patience patience;
    SteadyTime end;
  };

  /// How far the end of this process by this thread has come.
  struct Ending {
    std::optional<SteadyTime> since;     ///< it has been decided
    std::optional<SteadyTime> aborting;  ///< MPI_Abort has been asked for; under the mutex
    std::shared_ptr<std::atomic<bool>> aborted = std::make_shared<std::atomic<bool>>(false);  ///< and has returned
    bool left = false;
  };

  void serve();
  void wait_for_something();
  void tick(SteadyTime now);
  void serve_channel(SteadyTime now);
  void look_at_neighbours(SteadyTime now);
  void settle(SteadyTime now);
  void look_at_guards(SteadyTime now);
  void look_at_clock(SteadyTime now);
  void end_process(SteadyTime now);
  bool abort_is_over(SteadyTime now, int exit_code);

  void take(std::unique_ptr<Channel> channel);
  void fail_elsewhere(const Failure& failure, SteadyTime now);
  void report(const Failure& failure, bool echo, SteadyTime now);
  void say(const std::string& sentence);
  std::string hung(const Covered& covered) const;
  std::string missing_neighbours(int64_t collective) const;
  bool has(Outlook::Reach reach) const { return channel_ && outlook_.reach == reach; }
  void wake() const;

  const Place place_;
  const Watchdog::Hooks hooks_;
  const Watchdog::Timing timing_;
  const std::unique_ptr<Board> board_;  ///< null: none
  const Descriptor wake_;

  mutable std::mutex mutex_;  ///< of what follows, up to the thread's own
  std::condition_variable settled_;
  Own own_;
  Outlook outlook_;  ///< of the channel, with what the board adds
  std::map<int64_t, Covered> covered_;
  int64_t next_number_ = 0;
  std::function<void(int)> abort_;
  std::unique_ptr<Channel> handed_in_;
  bool stopping_ = false;
  std::optional<SteadyTime> failed_since_;  ///< here or elsewhere
  std::atomic<bool> failed_elsewhere_{false};

  std::unique_ptr<Channel> channel_;  ///< the thread's own from here
  SteadyTime last_tick_;
  SteadyTime next_look_;
  bool spoken_ = false;  ///< by this process
  Ending ending_;
  std::thread thread_;
};

}  // namespace causalfm::comm
