#include "comm/member.hpp"

#include <algorithm>

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;

/// For rank 0's answer, which may have other ranks to answer first.
constexpr auto joining_patience = 30s;

}  // namespace

Member::Member(const Place& place, const Watchdog::Timing& timing, const Invitation& invitation, SteadyTime now)
    : timing_(timing), place_(place), spoke_(invitation, place.rank, place.host), start_(now), heard_(now) {}

void Member::take(const Message& message) {
  if (const auto* welcome = std::get_if<Welcome>(&message)) {
    host_of_rank_0_ = welcome->host;
    outlook_.reach = Outlook::Reach::there;
  } else if (const auto* pulse = std::get_if<Pulse>(&message)) {
    activity_of_rank_0_ = pulse->activity;
    outlook_.working = pulse->working;
    deputy_ = pulse->deputy;
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
  // News sooner than nothing new, but rank 0 is to have no more than some thousand messages a second.
  const Seconds news_interval = std::max<Seconds>(100ms, static_cast<double>(place_.world_size) * 1ms);
  const Seconds interval = own.activity == told_ ? timing_.heartbeat : std::min(timing_.heartbeat, news_interval);
  if (now - last_heartbeat_ < interval) return;
  last_heartbeat_ = now;
  told_ = own.activity;
  spoke_.send_if_idle(Heartbeat{own.activity});
}

void Member::name_rank_0_if_silent(SteadyTime now) {
  const Seconds silence = now - heard_;
  if (outlook_.reach != Outlook::Reach::there || silence < timing_.noticeable) return;
  std::erase_if(outlook_.stragglers, [](const Straggler& straggler) { return straggler.rank == 0; });
  outlook_.stragglers.insert(outlook_.stragglers.begin(),
                             Straggler{0, host_of_rank_0_, silence.count(), activity_of_rank_0_});
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
      // All hosts see this alike. Silence they may not: each side of a cut has to say what it knows.
      outlook_.speaks = deputy_.empty() || deputy_ == place_.host;
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
  name_rank_0_if_silent(now);
  look_for_end(now, own);
}

}  // namespace causalfm::comm
