#pragma once

#include "comm/connection.hpp"
#include "comm/invitation.hpp"

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::comm {

/// A rank's end of its connection to rank 0. Tries all addresses of the invitation at once and keeps the one over which
/// rank 0 answers.
class Spoke {
 public:
  Spoke(const Invitation& invitation, int64_t rank, const std::string& host);

  void add_descriptors(std::vector<pollfd>& descriptors) const;

  /// Takes what has come, in order, and writes what can be written.
  std::vector<Message> serve();

  bool joined() const { return joined_; }

  /// The connection has ended, or no address led to rank 0.
  bool ended() const { return connections_.empty(); }
  const std::string& cause() const { return cause_; }

  void send(const Message& message);
  void send_if_idle(const Message& message);

 private:
  std::vector<Connection> connections_;  ///< one once it has joined
  bool joined_ = false;
  std::string cause_ = "no address of rank 0 can be reached";
};

}  // namespace causalfm::comm
