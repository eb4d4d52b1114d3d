#pragma once

#include "comm/agreement.hpp"
#include "comm/channel.hpp"
#include "comm/hub.hpp"

#include <string>
#include <vector>

namespace causalfm::comm {

/// Rank 0's channel: hears all, tells all who is late, finds who is gone, and decides how a failed job ends.
class Coordinator final : public Channel {
 public:
  /// @throws std::system_error when no port can be opened.
  Coordinator(const Place& place, const Watchdog::Timing& timing, SteadyTime now);

  std::string invitation() const { return hub_.invitation().text(); }

  void add_descriptors(std::vector<pollfd>& descriptors) const override { hub_.add_descriptors(descriptors); }
  void serve(SteadyTime now, const Own& own) override;
  void forgive(SteadyTime::duration gap) override;
  void close() override;

 private:
  struct Seat {
    enum class State { awaited, present, left, gone };
    State state = State::awaited;
    std::string host;
    Activity activity;
    SteadyTime heard;
    SteadyTime changed;  ///< since when `activity` is what it is
    bool warned = false;
  };

  Seconds silence(const Seat& seat, SteadyTime now) const { return now - seat.heard; }
  bool is_silent(const Seat& seat, SteadyTime now) const { return silence(seat, now) > timing_.noticeable; }
  Straggler straggler(int64_t rank, SteadyTime now) const;
  bool is_late(const Seat& seat, int64_t newest, SteadyTime now) const;
  void take(const News& news, SteadyTime now);
  void lose(int64_t rank, const std::string& how, const std::string& remedy);
  void observe(Seat& seat, const Activity& activity, SteadyTime now);
  void look_for_silence(SteadyTime now);
  void warn_of_unreachable(SteadyTime now);
  void tell_pulse(SteadyTime now);
  void conclude(SteadyTime now, const Own& own);
  bool all_living_have_reported(SteadyTime now) const;

  Watchdog::Timing timing_;
  Hub hub_;
  Agreement agreement_;
  std::vector<Seat> seats_;  ///< by rank
  SteadyTime start_;
  SteadyTime next_pulse_;
  SteadyTime failed_since_;
  bool alarmed_ = false;
  bool warned_of_unreachable_ = false;
};

}  // namespace causalfm::comm
