#include "comm/invitation.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <sstream>
#include <system_error>

namespace causalfm::comm {
namespace {

constexpr size_t most_addresses = 16;

bool is_loopback_or_link_local(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const uint32_t host = ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
    return host >> 24 == 127 || host >> 16 == 0xa9fe;
  }
  const in6_addr& host = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&host) || IN6_IS_ADDR_LINKLOCAL(&host);
}

std::optional<uint8_t> hexadecimal_byte(const std::string& text, size_t at) {
  uint8_t value = 0;
  const char* end = text.data() + at + 2;
  const auto [stop, error] = std::from_chars(text.data() + at, end, value, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::string Invitation::text() const {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : token) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  text += ' ' + std::to_string(port);
  for (const std::string& address : addresses) text += ' ' + address;
  return text;
}

std::optional<Invitation> Invitation::parse(const std::string& text) {
  std::istringstream fields(text);
  Invitation invitation;
  std::string token;
  if (!(fields >> token >> invitation.port) || token.size() != 2 * invitation.token.size()) return std::nullopt;
  for (size_t i = 0; i < invitation.token.size(); ++i) {
    const auto byte = hexadecimal_byte(token, 2 * i);
    if (!byte) return std::nullopt;
    invitation.token[i] = *byte;
  }
  for (std::string address; fields >> address && invitation.addresses.size() < most_addresses;) {
    if (!socket_address(address, invitation.port)) return std::nullopt;
    invitation.addresses.push_back(address);
  }
  if (invitation.addresses.empty() || invitation.port == 0) return std::nullopt;
  return invitation;
}

Token random_token() {
  Token token;
  size_t filled = 0;
  while (filled < token.size()) {
    const ssize_t count = ::getrandom(token.data() + filled, token.size() - filled, 0);
    if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    if (count > 0) filled += count;
  }
  return token;
}

std::vector<std::string> host_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(first, ::freeifaddrs);
  std::vector<std::string> found;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const ifaddrs* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
      if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != family) continue;
      if ((entry->ifa_flags & IFF_UP) == 0 || is_loopback_or_link_local(entry->ifa_addr)) continue;
      char text[NI_MAXHOST];
      const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
      if (::getnameinfo(entry->ifa_addr, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0) {
        found.emplace_back(text);
      }
    }
  }
  if (found.size() > most_addresses) found.resize(most_addresses);
  return found;
}

std::optional<SocketAddress> socket_address(const std::string& address, uint16_t port) {
  SocketAddress result;
  auto& four = reinterpret_cast<sockaddr_in&>(result.storage);
  auto& six = reinterpret_cast<sockaddr_in6&>(result.storage);
  if (::inet_pton(AF_INET, address.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    result.size = sizeof four;
    return result;
  }
  if (::inet_pton(AF_INET6, address.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    result.size = sizeof six;
    return result;
  }
  return std::nullopt;
}

}  // namespace causalfm::comm
