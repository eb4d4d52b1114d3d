#include "comm/watchdog_thread.hpp"

#include "comm/coordinator.hpp"
#include "comm/member.hpp"

#include <csignal>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <system_error>

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int idle_milliseconds = 100;
constexpr int busy_milliseconds = 10;

/// How often the processes of this host are looked at.
constexpr auto neighbour_interval = 300ms;

/// A pause between two rounds that means that this process itself stood still.
constexpr auto own_standstill = 2s;

/// How long a guarded call may go on once the job is known to have failed.
constexpr Seconds guard_patience = 500ms;

/// How long a process that ends itself waits for the verdict.
constexpr Seconds verdict_patience = 2s;

/// How long the other ranks have to end on their own before MPI_Abort ends them.
constexpr Seconds abort_delay = 1s;

/// A thread that no signal interrupts: signals are for the program's main thread.
template <typename Body>
std::thread thread_without_signals(const Body& body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(body);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

WatchdogThread::WatchdogThread(Place place, Watchdog::Hooks hooks, Watchdog::Timing timing)
    : place_(std::move(place)),
      hooks_(std::move(hooks)),
      timing_(timing),
      board_(Board::open(place_)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      last_tick_(Clock::now()) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  thread_ = thread_without_signals([this] { serve(); });
}

WatchdogThread::~WatchdogThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
}

void WatchdogThread::wake() const { ::eventfd_write(wake_.get(), 1); }

int64_t WatchdogThread::cover(const std::string& what, Seconds deadline, Watchdog::Patience patience) {
  const std::lock_guard lock(mutex_);
  covered_.emplace(next_number_, Covered{what, deadline, patience, Clock::now() + ticks(deadline)});
  return next_number_++;
}

void WatchdogThread::release(int64_t number) {
  const std::lock_guard lock(mutex_);
  covered_.erase(number);
}

void WatchdogThread::set_abort(std::function<void(int)> abort) {
  std::unique_lock lock(mutex_);
  // Whoever takes the function back is about to destroy what it uses.
  const auto end = Clock::now() + ticks(timing_.abort);
  while (ending_.aborting && !*ending_.aborted && Clock::now() < end) {
    lock.unlock();
    std::this_thread::sleep_for(10ms);
    lock.lock();
  }
  abort_ = std::move(abort);
}

void WatchdogThread::take(std::unique_ptr<Channel> channel) {
  const std::lock_guard lock(mutex_);
  handed_in_ = std::move(channel);
  wake();
}

std::string WatchdogThread::invitation() {
  try {
    auto coordinator = std::make_unique<Coordinator>(place_, timing_, Clock::now());
    std::string text = coordinator->invitation();
    take(std::move(coordinator));
    return text;
  } catch (const std::system_error& error) {
    hooks_.warn(std::string("no side channel between the ranks: ") + error.what() +
                "; the job runs, but when it fails nobody can say which rank is missing");
    return {};
  }
}

void WatchdogThread::join(const std::string& invitation) {
  const auto parsed = Invitation::parse(invitation);
  if (parsed) take(std::make_unique<Member>(place_, timing_, *parsed, Clock::now()));
}

Verdict WatchdogThread::agree(const Failure& failure, bool echo) {
  std::unique_lock lock(mutex_);
  report(failure, echo, Clock::now());
  wake();
  settled_.wait(lock, [&] { return outlook_.verdict.has_value(); });
  return *outlook_.verdict;
}

void WatchdogThread::announce(Phase phase, int64_t step) {
  const std::lock_guard lock(mutex_);
  own_.activity.phase = phase;
  if (step >= 0) own_.activity.step = step;
  if (board_) board_->write(own_.activity);
}

void WatchdogThread::started(const Call& call) {
  const std::lock_guard lock(mutex_);
  own_.activity.collective = call.number;
  own_.activity.set_words(call.words);
  if (board_) board_->write(own_.activity);
}

std::optional<Failure> WatchdogThread::failure() const {
  if (!failed_elsewhere_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return outlook_.failure;
}

std::string WatchdogThread::missing(const Call& call) const {
  const std::lock_guard lock(mutex_);
  if (outlook_.reach != Outlook::Reach::there) return missing_neighbours(call.number);
  std::string text;
  for (const Straggler& straggler : outlook_.stragglers) {
    const bool silent = straggler.silent_seconds > 0;
    if (straggler.rank == place_.rank || (straggler.activity.collective >= call.number && !silent)) continue;
    text += (text.empty() ? "" : "; ") + describe(straggler);
  }
  return text;
}

std::string WatchdogThread::missing_neighbours(int64_t collective) const {
  if (!board_) return {};
  std::string text;
  for (const Neighbour& neighbour : board_->neighbours()) {
    std::string words = describe(neighbour, place_.host);
    if (words.empty() && neighbour.activity.collective < collective) {
      words = describe(Straggler{neighbour.rank, place_.host, 0.0, neighbour.activity});
    }
    if (!words.empty()) text += (text.empty() ? "" : "; ") + words;
  }
  return text;
}

void WatchdogThread::report(const Failure& failure, bool echo, SteadyTime now) {
  if (!own_.report) own_.report = Report{failure, echo};
  if (!failed_since_) failed_since_ = now;
}

void WatchdogThread::fail_elsewhere(const Failure& failure, SteadyTime now) {
  if (!outlook_.failure) outlook_.failure = failure;
  if (!failed_since_) failed_since_ = now;
  failed_elsewhere_ = true;
}

void WatchdogThread::say(const std::string& sentence) {
  spoken_ = true;
  hooks_.say(sentence);
}

void WatchdogThread::serve() {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    wait_for_something();
    tick(Clock::now());
  }
  if (channel_) channel_->close();
}

void WatchdogThread::wait_for_something() {
  std::vector<pollfd> descriptors{{wake_.get(), POLLIN, 0}};
  if (channel_) channel_->add_descriptors(descriptors);
  int timeout = idle_milliseconds;
  {
    const std::lock_guard lock(mutex_);
    if (failed_since_ && !outlook_.verdict) timeout = busy_milliseconds;
    if (stopping_ || handed_in_) timeout = 0;
  }
  ::poll(descriptors.data(), descriptors.size(), timeout);
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);
}

void WatchdogThread::tick(SteadyTime now) {
  const SteadyTime::duration gap = now - last_tick_;
  last_tick_ = now;
  {
    const std::lock_guard lock(mutex_);
    if (handed_in_) channel_ = std::move(handed_in_);
    if (gap > own_standstill) {
      for (auto& [number, covered] : covered_) covered.end += gap;
      if (failed_since_) *failed_since_ += gap;
    }
    if (board_) board_->write(own_.activity);
  }
  if (channel_ && gap > own_standstill) channel_->forgive(gap);
  if (channel_) serve_channel(now);
  if (now >= next_look_) {
    next_look_ = now + neighbour_interval;
    look_at_neighbours(now);
  }
  settle(now);
  look_at_guards(now);
  look_at_clock(now);
  if (ending_.since && !ending_.left) end_process(now);
}

void WatchdogThread::serve_channel(SteadyTime now) {
  Own own;
  {
    const std::lock_guard lock(mutex_);
    own = own_;
  }
  channel_->serve(now, own);
  for (const std::string& warning : channel_->take_warnings()) hooks_.warn(warning);
  const Outlook& seen = channel_->outlook();
  // Rank 0 speaks before its main thread may end the process.
  const bool decided_here = place_.rank == 0 && seen.verdict && !spoken_;
  if (decided_here) {
    if (board_) board_->claim_to_speak();
    say(seen.verdict->sentence);
  }

  const std::lock_guard lock(mutex_);
  outlook_.reach = seen.reach;
  outlook_.working = seen.working;
  outlook_.speaks = seen.speaks;
  outlook_.stragglers = seen.stragglers;
  if (seen.failure) fail_elsewhere(*seen.failure, now);
  if (seen.verdict && !outlook_.verdict) {
    outlook_.verdict = seen.verdict;
    settled_.notify_all();
  }
}

void WatchdogThread::look_at_neighbours(SteadyTime now) {
  // Where there is a connection rank 0 sees deaths, and all hear of them in the same words.
  if (!board_ || has(Outlook::Reach::there)) return;
  for (const Neighbour& neighbour : board_->neighbours()) {
    if (neighbour.state != Neighbour::State::died) continue;
    const std::lock_guard lock(mutex_);
    if (failed_since_) return;
    fail_elsewhere(
        {neighbour.rank, 4,
         "rank " + std::to_string(neighbour.rank) + " on " + place_.host + " died " + describe(neighbour.activity) +
             "; rank " + std::to_string(place_.rank) + " was " + describe(own_.activity) +
             (covered_.empty() ? "" : ", at " + covered_.begin()->second.what) + "; run again"},
        now);
    return;
  }
}

void WatchdogThread::settle(SteadyTime now) {
  Verdict verdict;
  bool speaks = true;
  {
    const std::lock_guard lock(mutex_);
    if (!own_.report || outlook_.verdict) return;
    const Seconds waited = now - *failed_since_;
    const bool alone = !channel_ || has(Outlook::Reach::never) || has(Outlook::Reach::lost);
    // Rank 0 has an answer within its patience; a connection that is still being made will hardly bring one.
    const Seconds patience = has(Outlook::Reach::coming) ? verdict_patience : timing_.patience + verdict_patience;
    const bool out_of_patience = waited > patience || (ending_.since && now - *ending_.since > verdict_patience);
    if (!alone && !out_of_patience) return;
    const bool theirs = own_.report->echo && outlook_.failure;
    verdict.exit_code = theirs ? outlook_.failure->exit_code : own_.report->failure.exit_code;
    verdict.sentence = theirs ? outlook_.failure->sentence
                              : "rank " + std::to_string(place_.rank) + ": " + own_.report->failure.sentence;
    verdict.reachable = has(Outlook::Reach::lost);
    speaks = outlook_.speaks;
  }
  if (speaks && (!board_ || board_->claim_to_speak())) say(verdict.sentence);
  const std::lock_guard lock(mutex_);
  outlook_.verdict = verdict;
  settled_.notify_all();
}

std::string WatchdogThread::hung(const Covered& covered) const {
  std::string text = covered.what + " on rank " + std::to_string(place_.rank) + " of " +
                     std::to_string(place_.world_size) + " on " + place_.host + " did not end within " +
                     seconds_text(covered.deadline.count()) + " s";
  std::string missing;
  if (outlook_.reach == Outlook::Reach::there) {
    for (const Straggler& straggler : outlook_.stragglers) {
      if (straggler.rank != place_.rank) missing += (missing.empty() ? "" : "; ") + describe(straggler);
    }
  } else {
    missing = missing_neighbours(-1);
  }
  if (missing.empty() && place_.local_size < place_.world_size) {
    missing = "all " + std::to_string(place_.local_size) + " ranks of this host are there: look at the other hosts";
  } else if (!missing.empty()) {
    missing = "missing is " + missing;
  }
  return text + (missing.empty() ? "" : ": " + missing) +
         "; run again, or raise comm.deadline_seconds if it may take longer";
}

void WatchdogThread::look_at_guards(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (ending_.since) return;
  const bool may_finalize = outlook_.verdict && outlook_.verdict->everyone;
  const bool failed = outlook_.failure && !may_finalize && now - *failed_since_ > guard_patience;
  for (auto& [number, covered] : covered_) {
    const bool others_work = outlook_.working && has(Outlook::Reach::there);
    if (covered.patience == Watchdog::Patience::for_the_living && others_work) {
      covered.end = std::max(covered.end, now + ticks(covered.deadline));
    }
    if (failed) {
      report(*outlook_.failure, true, now);
    } else if (now >= covered.end) {
      report({place_.rank, 4, hung(covered)}, false, now);
    } else {
      continue;
    }
    ending_.since = now;
    return;
  }
}

void WatchdogThread::look_at_clock(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (ending_.since || !failed_since_ || now - *failed_since_ < timing_.last_resort) return;
  if (outlook_.failure) report(*outlook_.failure, true, now);
  ending_.since = now;
}

void WatchdogThread::end_process(SteadyTime now) {
  std::optional<Verdict> verdict;
  {
    const std::lock_guard lock(mutex_);
    verdict = outlook_.verdict;
  }
  if (!verdict) return;  // settle() has one within verdict_patience
  // One rank is enough to ask for the end of all; the others' own codes should come first.
  if (spoken_ && !abort_is_over(now, verdict->exit_code)) return;
  ending_.left = true;
  if (board_) board_->leave();
  hooks_.leave(verdict->exit_code);
}

bool WatchdogThread::abort_is_over(SteadyTime now, int exit_code) {
  if (!ending_.aborting) {
    const std::lock_guard lock(mutex_);
    if (!abort_) return true;
    if (now - *ending_.since < abort_delay) return false;
    ending_.aborting = now;
    thread_without_signals([ask = abort_, aborted = ending_.aborted, exit_code] {
      ask(exit_code);
      *aborted = true;
    }).detach();
  }
  return *ending_.aborted || now - *ending_.aborting > timing_.abort;
}

}  // namespace causalfm::comm
