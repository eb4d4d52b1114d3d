#include "comm/member.hpp"

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;

/// For rank 0's answer, which may have other ranks to answer first.
constexpr auto joining_patience = 30s;

}  // namespace

Member::Member(const Place& place, const Watchdog::Timing& timing, const Invitation& invitation, SteadyTime now)
    : timing_(timing),
      place_(place),
      spoke_(invitation, place.rank, place.host),
      start_(now),
      heard_(now),
      next_heartbeat_(now) {}

void Member::take(const Message& message) {
  if (const auto* welcome = std::get_if<Welcome>(&message)) {
    host_of_rank_0_ = welcome->host;
    outlook_.reach = Outlook::Reach::there;
  } else if (const auto* pulse = std::get_if<Pulse>(&message)) {
    activity_of_rank_0_ = pulse->activity;
    outlook_.working = pulse->working;
    outlook_.stragglers = pulse->stragglers;
  } else if (const auto* alarm = std::get_if<Alarm>(&message)) {
    if (!outlook_.failure) outlook_.failure = alarm->failure;
  } else if (const auto* verdict = std::get_if<Verdict>(&message)) {
    outlook_.verdict = *verdict;
    if (!outlook_.failure) outlook_.failure = Failure{0, verdict->exit_code, verdict->sentence};
  } else if (std::holds_alternative<Goodbye>(message)) {
    rank_0_has_left_ = true;
  }
}

void Member::tell(SteadyTime now, const Own& own) {
  if (own.report && !reported_) {
    reported_ = true;
    spoke_.send(*own.report);
  }
  if (now < next_heartbeat_) return;
  next_heartbeat_ = now + ticks(timing_.heartbeat);
  spoke_.send_if_idle(Heartbeat{own.activity});
}

void Member::lose_rank_0(const std::string& how, const Own& own) {
  outlook_.reach = Outlook::Reach::lost;
  if (rank_0_has_left_ || outlook_.verdict) return;
  const std::string sentence = "rank 0 on " + host_of_rank_0_ + " " + how + " " + describe(activity_of_rank_0_) +
                               "; rank " + std::to_string(place_.rank) + " on " + place_.host + " was " +
                               describe(own.activity) + "; run again to go on from the last checkpoint";
  if (!outlook_.failure) outlook_.failure = Failure{0, 4, sentence};
}

void Member::look_for_end(SteadyTime now, const Own& own) {
  if (outlook_.reach == Outlook::Reach::coming) {
    if (spoke_.ended() || now - start_ > joining_patience) outlook_.reach = Outlook::Reach::never;
  } else if (outlook_.reach == Outlook::Reach::there) {
    const Seconds silence = now - heard_;
    if (spoke_.ended()) {
      lose_rank_0("died (" + spoke_.cause() + ")", own);
    } else if (silence > timing_.deadline) {
      lose_rank_0("has been silent for " + seconds_text(silence.count()) + " s (frozen or cut off), last known", own);
    }
  }
}

void Member::serve(SteadyTime now, const Own& own) {
  for (const Message& message : spoke_.serve()) {
    heard_ = now;
    take(message);
  }
  if (spoke_.joined()) tell(now, own);
  look_for_end(now, own);
}

}  // namespace causalfm::comm
