#include "causalfm/comm/watchdog.hpp"

#include "comm/watchdog_thread.hpp"

namespace causalfm::comm {

class Watchdog::Implementation : public WatchdogThread {
 public:
  using WatchdogThread::WatchdogThread;
};

Watchdog::Watchdog(Place place, Hooks hooks, Timing timing)
    : implementation_(std::make_unique<Implementation>(std::move(place), std::move(hooks), timing)) {}

Watchdog::~Watchdog() = default;

Watchdog::Guard Watchdog::cover(const std::string& what, std::chrono::duration<double> deadline, Patience patience) {
  return {this, implementation_->cover(what, deadline, patience)};
}

void Watchdog::release(int64_t number) { implementation_->release(number); }
void Watchdog::set_abort(std::function<void(int)> abort) { implementation_->set_abort(std::move(abort)); }
std::string Watchdog::invitation() { return implementation_->invitation(); }
void Watchdog::join(const std::string& invitation) { implementation_->join(invitation); }
Verdict Watchdog::agree(const Failure& failure, bool echo) { return implementation_->agree(failure, echo); }
void Watchdog::announce(Phase phase, int64_t step) { implementation_->announce(phase, step); }
void Watchdog::started(const Call& call) { implementation_->started(call); }
std::optional<Failure> Watchdog::failure() const { return implementation_->failure(); }
std::string Watchdog::missing(const Call& call) const { return implementation_->missing(call); }

}  // namespace causalfm::comm
