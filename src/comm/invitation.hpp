#pragma once

#include "comm/message.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::comm {

/// An address of a socket, of IPv4 or IPv6.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// How rank 0 is reached: one line of text that MPI hands to the other ranks.
struct Invitation {
  Token token{};
  uint16_t port = 0;
  std::vector<std::string> addresses;  ///< numeric

  std::string text() const;

  /// None when `text` is not an invitation.
  static std::optional<Invitation> parse(const std::string& text);
};

/// From the system's source of random numbers. @throws std::system_error
Token random_token();

/// This host's own addresses; of the interfaces that are up, but for loopback and link-local ones.
std::vector<std::string> host_addresses();

/// None when `address` is not numeric.
std::optional<SocketAddress> socket_address(const std::string& address, uint16_t port);

}  // namespace causalfm::comm
