#pragma once

#include "comm/channel.hpp"
#include "comm/spoke.hpp"

#include <string>

namespace causalfm::comm {

/// The channel of every rank but 0: tells rank 0 what this one does, hears from it of the others, and notices when rank
/// 0 is gone.
class Member final : public Channel {
 public:
  Member(const Place& place, const Watchdog::Timing& timing, const Invitation& invitation, SteadyTime now);

  void add_descriptors(std::vector<pollfd>& descriptors) const override { spoke_.add_descriptors(descriptors); }
  void serve(SteadyTime now, const Own& own) override;
  void forgive(SteadyTime::duration gap) override { heard_ += gap; }
  void close() override { spoke_.send(Goodbye{}); }

 private:
  void take(const Message& message);
  void name_rank_0_if_silent(SteadyTime now);
  void tell(SteadyTime now, const Own& own);
  void look_for_end(SteadyTime now, const Own& own);
  void lose_rank_0(const std::string& how, const Own& own);

  Watchdog::Timing timing_;
  Place place_;
  Spoke spoke_;
  std::string host_of_rank_0_;
  Activity activity_of_rank_0_;
  std::string deputy_;
  SteadyTime start_;
  SteadyTime heard_;
  SteadyTime last_heartbeat_;
  Activity told_;
  bool reported_ = false;
  bool rank_0_has_left_ = false;
};

}  // namespace causalfm::comm
