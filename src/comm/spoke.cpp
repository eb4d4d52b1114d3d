#include "comm/spoke.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace causalfm::comm {

Spoke::Spoke(const Invitation& invitation, int64_t rank, const std::string& host) {
  for (const std::string& text : invitation.addresses) {
    const auto address = socket_address(text, invitation.port);
    if (!address) continue;
    Descriptor socket(::socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) continue;
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto* plain = reinterpret_cast<const sockaddr*>(&address->storage);
    if (::connect(socket.get(), plain, address->size) != 0 && errno != EINPROGRESS) continue;
    Connection& connection = connections_.emplace_back(std::move(socket));
    connection.send(Hello{invitation.token, rank, host});
  }
}

void Spoke::add_descriptors(std::vector<pollfd>& descriptors) const {
  for (const Connection& connection : connections_) {
    descriptors.push_back({connection.descriptor(), connection.awaited(), 0});
  }
}

std::vector<Message> Spoke::serve() {
  std::vector<Message> messages;
  for (size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = connections_[i];
    connection.flush();
    messages = connection.receive();
    if (joined_ || messages.empty()) continue;
    if (!std::holds_alternative<Welcome>(messages.front())) {
      messages.clear();
      continue;
    }
    joined_ = true;
    std::swap(connections_.front(), connection);
    connections_.erase(connections_.begin() + 1, connections_.end());
    break;
  }
  if (joined_ && !ended() && connections_.front().ended()) cause_ = connections_.front().cause();
  std::erase_if(connections_, [](const Connection& connection) { return connection.ended(); });
  return messages;
}

void Spoke::send(const Message& message) {
  if (joined_ && !ended()) connections_.front().send(message);
}

void Spoke::send_if_idle(const Message& message) {
  if (joined_ && !ended()) connections_.front().send_if_idle(message);
}

}  // namespace causalfm::comm
