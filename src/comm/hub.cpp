#include "comm/hub.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;

constexpr size_t most_strangers = 64;
constexpr auto stranger_patience = 3s;
constexpr int backlog = 1024;

/// Descriptors that the rest of the program may need.
constexpr rlim_t other_descriptors = 512;

[[noreturn]] void fail(const char* place) { throw std::system_error(errno, std::generic_category(), place); }

void raise_descriptor_limit(rlim_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(connections + other_descriptors, limit.rlim_max);
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// A socket that listens on loopback, or on every interface: over IPv6 with IPv4 inside where there is IPv6.
Descriptor listen_on(bool loopback) {
  for (const int family : {AF_INET6, AF_INET}) {
    if (loopback && family == AF_INET6) continue;
    Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) continue;
    auto address = socket_address(family == AF_INET6 ? "::" : loopback ? "127.0.0.1" : "0.0.0.0", 0);
    const int off = 0;
    if (family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address->storage), address->size) == 0 &&
        ::listen(socket.get(), backlog) == 0) {
      return socket;
    }
  }
  fail("no port to listen on");
}

uint16_t port_of(const Descriptor& socket) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
    fail("getsockname");
  }
  return ntohs(address.storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port
                                                     : reinterpret_cast<sockaddr_in&>(address.storage).sin_port);
}

}  // namespace

Hub::Hub(int64_t world_size, const std::string& host, bool on_one_host)
    : world_size_(world_size), host_(host), port_(listen_on(on_one_host)) {
  raise_descriptor_limit(world_size);
  invitation_.token = random_token();
  invitation_.port = port_of(port_);
  if (!on_one_host) invitation_.addresses = host_addresses();
  if (invitation_.addresses.empty()) invitation_.addresses = {"127.0.0.1"};
}

void Hub::add_descriptors(std::vector<pollfd>& descriptors) const {
  if (port_ && strangers_.size() < most_strangers) descriptors.push_back({port_.get(), POLLIN, 0});
  for (const Stranger& stranger : strangers_) {
    descriptors.push_back({stranger.connection.descriptor(), stranger.connection.awaited(), 0});
  }
  for (const auto& [rank, connection] : ranks_) {
    descriptors.push_back({connection.descriptor(), connection.awaited(), 0});
  }
}

void Hub::accept_strangers(SteadyTime now) {
  while (port_ && strangers_.size() < most_strangers) {
    Descriptor socket(::accept4(port_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) return;
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    strangers_.push_back({Connection(std::move(socket)), now});
  }
}

bool Hub::is_invited(const Message& message) const {
  const Hello* hello = std::get_if<Hello>(&message);
  return hello != nullptr && same_token(hello->token, invitation_.token) && hello->rank > 0 &&
         hello->rank < world_size_ && !come_.contains(hello->rank);
}

void Hub::admit(SteadyTime now, std::vector<News>& news) {
  for (auto stranger = strangers_.begin(); stranger != strangers_.end();) {
    const auto next = std::next(stranger);
    const std::vector<Message> messages = stranger->connection.receive(1);
    if (!messages.empty() && is_invited(messages.front())) {
      const int64_t rank = std::get<Hello>(messages.front()).rank;
      stranger->connection.send(Welcome{host_});
      ranks_.emplace(rank, std::move(stranger->connection));
      news.push_back({rank, messages.front(), {}});
      come_.insert(rank);
      if (static_cast<int64_t>(come_.size()) == world_size_ - 1) port_ = Descriptor();
      strangers_.erase(stranger);
    } else if (!messages.empty() || stranger->connection.ended() || now - stranger->since > stranger_patience) {
      strangers_.erase(stranger);
    }
    stranger = next;
  }
  if (!port_) strangers_.clear();
}

std::vector<News> Hub::serve(SteadyTime now) {
  std::vector<News> news;
  accept_strangers(now);
  admit(now, news);
  for (auto entry = ranks_.begin(); entry != ranks_.end();) {
    auto& [rank, connection] = *entry;
    connection.flush();
    for (Message& message : connection.receive()) {
      // A rank that comes again is none of ours.
      if (!std::holds_alternative<Hello>(message)) news.push_back({rank, std::move(message), {}});
    }
    if (connection.ended()) {
      news.push_back({rank, std::nullopt, connection.cause()});
      entry = ranks_.erase(entry);
    } else {
      ++entry;
    }
  }
  return news;
}

void Hub::send_to_all(const Message& message) {
  for (auto& [rank, connection] : ranks_) connection.send(message);
}

void Hub::send_to_all_if_idle(const Message& message) {
  for (auto& [rank, connection] : ranks_) connection.send_if_idle(message);
}

}  // namespace causalfm::comm
