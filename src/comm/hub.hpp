#pragma once

#include "comm/connection.hpp"
#include "comm/invitation.hpp"

#include <poll.h>

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace causalfm::comm {

/// What came over the connection of a rank.
struct News {
  int64_t rank = 0;
  std::optional<Message> message;  ///< none: the connection has ended
  std::string cause;               ///< why it has
};

/// Rank 0's end of the connections to all others. Whoever connects must present the token and the number of a rank that
/// has not come yet, in its first message and soon; at most some dozens who have not are kept. The port is closed once
/// all ranks have come.
class Hub {
 public:
  /// Opens a port: on loopback when all ranks are on this host. @throws std::system_error when there is none.
  Hub(int64_t world_size, const std::string& host, bool on_one_host);

  const Invitation& invitation() const { return invitation_; }

  void add_descriptors(std::vector<pollfd>& descriptors) const;

  /// Takes what has come and writes what can be written. A Hello means that the rank has been accepted.
  std::vector<News> serve(SteadyTime now);

  void send_to_all(const Message& message);
  void send_to_all_if_idle(const Message& message);
  bool has(int64_t rank) const { return ranks_.contains(rank); }

 private:
  struct Stranger {
    Connection connection;
    SteadyTime since;
  };

  void accept_strangers(SteadyTime now);
  void admit(SteadyTime now, std::vector<News>& news);
  bool is_invited(const Message& message) const;

  int64_t world_size_;
  std::string host_;
  Invitation invitation_;
  Descriptor port_;
  std::list<Stranger> strangers_;
  std::map<int64_t, Connection> ranks_;
  std::set<int64_t> come_;
};

}  // namespace causalfm::comm
