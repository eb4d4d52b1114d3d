#include "comm/coordinator.hpp"

#include <algorithm>

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;

/// Within this time from MPI's start every rank has made its connection, or will not.
constexpr Seconds joining_patience = 15s;

/// A rank that has come no further for so long, while others have, is worth naming.
constexpr Seconds lag_worth_naming = 1s;

constexpr const char* go_on = "run again to go on from the last checkpoint";

}  // namespace

SteadyTime::duration ticks(Seconds seconds) { return std::chrono::duration_cast<SteadyTime::duration>(seconds); }

Coordinator::Coordinator(const Place& place, const Watchdog::Timing& timing, SteadyTime now)
    : timing_(timing),
      hub_(place.world_size, place.host, place.local_size == place.world_size),
      agreement_(place.world_size),
      seats_(place.world_size),
      start_(now),
      next_pulse_(now) {
  for (Seat& seat : seats_) seat.heard = seat.changed = now;
  seats_.front().state = Seat::State::present;
  seats_.front().host = place.host;
  outlook_.reach = Outlook::Reach::there;
}

void Coordinator::observe(Seat& seat, const Activity& activity, SteadyTime now) {
  seat.heard = now;
  seat.warned = false;
  if (seat.activity == activity) return;
  seat.activity = activity;
  seat.changed = now;
}

void Coordinator::take(const News& news, SteadyTime now) {
  Seat& seat = seats_[news.rank];
  if (!news.message) {
    if (seat.state == Seat::State::present && !outlook_.verdict && !agreement_.has_reported(news.rank)) {
      lose(news.rank, "died (" + news.cause + ")",
           std::string(go_on) + ", with a smaller batch or fewer ranks a host if memory ran out there");
    }
    seat.state = seat.state == Seat::State::left ? seat.state : Seat::State::gone;
    return;
  }
  seat.heard = now;
  if (const auto* hello = std::get_if<Hello>(&*news.message)) {
    seat.state = Seat::State::present;
    seat.host = hello->host;
    next_pulse_ = now;  // a rank that comes late needs to know what is going on
  } else if (const auto* heartbeat = std::get_if<Heartbeat>(&*news.message)) {
    observe(seat, heartbeat->activity, now);
  } else if (const auto* report = std::get_if<Report>(&*news.message)) {
    agreement_.report(news.rank, report->failure, report->echo);
  } else if (std::holds_alternative<Goodbye>(*news.message)) {
    seat.state = Seat::State::left;
  }
}

void Coordinator::lose(int64_t rank, const std::string& how, const std::string& remedy) {
  const Seat& seat = seats_[rank];
  agreement_.lost({rank, 4,
                   "rank " + std::to_string(rank) + " on " + seat.host + " " + how + " " + describe(seat.activity) +
                       "; rank 0 on " + seats_.front().host + " was " + describe(seats_.front().activity) + "; " +
                       remedy});
}

Straggler Coordinator::straggler(int64_t rank, SteadyTime now) const {
  const Seat& seat = seats_[rank];
  return {rank, seat.host, is_silent(seat, now) ? silence(seat, now).count() : 0.0, seat.activity};
}

void Coordinator::look_for_silence(SteadyTime now) {
  for (size_t rank = 1; rank < seats_.size(); ++rank) {
    Seat& seat = seats_[rank];
    if (seat.state != Seat::State::present) continue;
    const std::string length = seconds_text(silence(seat, now).count());
    if (silence(seat, now) > timing_.deadline && !agreement_.begun()) {
      lose(static_cast<int64_t>(rank), "has been silent for " + length + " s (frozen or cut off), last known",
           std::string(go_on) + ", or raise comm.deadline_seconds if a rank may stand still for longer");
    } else if (silence(seat, now) > timing_.warning && !seat.warned) {
      seat.warned = true;
      warnings_.push_back(describe(straggler(static_cast<int64_t>(rank), now)) +
                          ": it is frozen, or the network to it is cut; the job ends when it stays so for " +
                          seconds_text(timing_.deadline.count()) + " s (comm.deadline_seconds)");
    }
  }
}

void Coordinator::warn_of_unreachable(SteadyTime now) {
  if (warned_of_unreachable_ || now - start_ < joining_patience) return;
  warned_of_unreachable_ = true;
  std::string ranks;
  for (size_t rank = 1; rank < seats_.size(); ++rank) {
    if (seats_[rank].state == Seat::State::awaited) ranks += (ranks.empty() ? "" : ", ") + std::to_string(rank);
  }
  if (ranks.empty()) return;
  warnings_.push_back("no side channel to rank " + ranks +
                      ": its host does not reach a TCP port of this one (a firewall?); the job runs, but when it fails "
                      "nobody can say what these ranks did");
}

bool Coordinator::is_late(const Seat& seat, int64_t newest, SteadyTime now) const {
  if (seat.state == Seat::State::awaited) return now - start_ > lag_worth_naming;
  if (seat.state != Seat::State::present) return false;
  return is_silent(seat, now) || (seat.activity.collective < newest && now - seat.changed > lag_worth_naming);
}

void Coordinator::tell_pulse(SteadyTime now) {
  int64_t newest = -1;
  outlook_.working = false;
  for (const Seat& seat : seats_) {
    newest = std::max(newest, seat.activity.collective);
    outlook_.working |=
        seat.state == Seat::State::present && seat.activity.phase != Phase::ending && !is_silent(seat, now);
  }
  outlook_.stragglers.clear();
  for (size_t rank = 0; rank < seats_.size(); ++rank) {
    const Seat& seat = seats_[rank];
    if (!is_late(seat, newest, now)) continue;
    outlook_.stragglers.push_back(straggler(static_cast<int64_t>(rank), now));
  }
  std::ranges::stable_sort(outlook_.stragglers, std::ranges::greater{}, &Straggler::silent_seconds);
  const auto deputy = std::find_if(seats_.begin() + 1, seats_.end(), [&](const Seat& seat) {
    return seat.state == Seat::State::present && !is_silent(seat, now);
  });
  hub_.send_to_all_if_idle(Pulse{seats_.front().activity, outlook_.working,
                                 deputy == seats_.end() ? std::string() : deputy->host, outlook_.stragglers});
}

bool Coordinator::all_living_have_reported(SteadyTime now) const {
  for (size_t rank = 0; rank < seats_.size(); ++rank) {
    const Seat& seat = seats_[rank];
    if (agreement_.has_reported(static_cast<int64_t>(rank))) continue;
    if (seat.state == Seat::State::awaited && now - start_ < joining_patience) return false;
    if (seat.state == Seat::State::present && !is_silent(seat, now)) return false;
  }
  return true;
}

void Coordinator::conclude(SteadyTime now, const Own& own) {
  if (own.report) agreement_.report(0, own.report->failure, own.report->echo);
  if (!agreement_.begun() || outlook_.verdict) return;
  if (failed_since_ == SteadyTime{}) failed_since_ = now;
  const bool complete = all_living_have_reported(now);
  // What all ranks meet, such as a wrong configuration, they should tell as their own.
  const bool may_be_shared = !agreement_.is_loss() && now - failed_since_ < ticks(timing_.together);
  if (!alarmed_ && !complete && !may_be_shared) {
    alarmed_ = true;
    hub_.send_to_all(Alarm{agreement_.cause()});
    outlook_.failure = agreement_.cause();
  }
  if (!complete && now - failed_since_ < ticks(timing_.patience)) return;
  Verdict verdict = agreement_.verdict();
  verdict.reachable = std::ranges::none_of(seats_, [](const Seat& seat) { return seat.state == Seat::State::awaited; });
  hub_.send_to_all(verdict);
  outlook_.failure = agreement_.cause();
  outlook_.verdict = verdict;
}

void Coordinator::serve(SteadyTime now, const Own& own) {
  for (const News& news : hub_.serve(now)) take(news, now);
  observe(seats_.front(), own.activity, now);
  look_for_silence(now);
  warn_of_unreachable(now);
  if (now >= next_pulse_) {
    tell_pulse(now);
    next_pulse_ = now + ticks(timing_.heartbeat);
  }
  conclude(now, own);
}

void Coordinator::forgive(SteadyTime::duration gap) {
  for (Seat& seat : seats_) seat.heard += gap;
}

void Coordinator::close() { hub_.send_to_all(Goodbye{}); }

}  // namespace causalfm::comm
