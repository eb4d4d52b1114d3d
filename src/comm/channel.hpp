#pragma once

#include "comm/message.hpp"

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::comm {

/// What this rank has to tell.
struct Own {
  Activity activity;
  std::optional<Report> report;
};

/// What a rank knows of the others over its connections.
struct Outlook {
  enum class Reach {
    coming,  ///< the connection is being made
    there,
    never,  ///< it could not be made
    lost,   ///< rank 0 is gone
  };
  Reach reach = Reach::coming;
  std::optional<Failure> failure;  ///< on another rank
  std::optional<Verdict> verdict;
  std::vector<Straggler> stragglers;
  bool working = false;  ///< some rank that lives has not come to its end yet
  bool speaks = true;    ///< this host is to say what ended the job, if rank 0 does not
};

/// One rank's end of the connections between the ranks. For the watchdog's thread.
class Channel {
 public:
  virtual ~Channel() = default;

  virtual void add_descriptors(std::vector<pollfd>& descriptors) const = 0;

  /// Takes what has come, tells what is to be told. Afterwards outlook() is as of `now`.
  virtual void serve(SteadyTime now, const Own& own) = 0;

  /// This process stood still for that long: nobody was silent meanwhile.
  virtual void forgive(SteadyTime::duration gap) = 0;

  /// Says goodbye.
  virtual void close() = 0;

  const Outlook& outlook() const { return outlook_; }

  /// What is worth a line in the log, since the last call.
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

 protected:
  Outlook outlook_;
  std::vector<std::string> warnings_;
};

SteadyTime::duration ticks(Seconds seconds);

}  // namespace causalfm::comm
