#include "comm/connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace causalfm::comm {
namespace {

constexpr size_t most_unsent = size_t{64} << 10;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

short Connection::awaited() const { return unsent_.empty() ? POLLIN : POLLIN | POLLOUT; }

void Connection::end(std::string cause) {
  ended_ = true;
  cause_ = std::move(cause);
  received_.clear();
  unsent_.clear();
}

bool Connection::read_some() {
  std::array<char, 4096> buffer;
  const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (count > 0) {
    received_.append(buffer.data(), count);
    return true;
  }
  if (count == 0) {
    end("its connection closed");
  } else if (!would_block(errno)) {
    end(std::string("its connection broke: ") + std::strerror(errno));
  }
  return false;
}

std::vector<Message> Connection::receive(size_t most) {
  std::vector<Message> messages;
  try {
    while (messages.size() < most && !ended_) {
      const bool has_header = received_.size() >= header_bytes;
      const size_t payload = has_header ? payload_bytes(received_) : 0;
      if (!has_header || received_.size() < header_bytes + payload) {
        if (!read_some()) break;
        continue;
      }
      messages.push_back(decode(std::string_view(received_).substr(header_bytes, payload)));
      received_.erase(0, header_bytes + payload);
    }
  } catch (const ProtocolError& error) {
    end(std::string("it sent ") + error.what());
  }
  return messages;
}

void Connection::send(const Message& message) {
  if (ended_) return;
  unsent_ += encode(message);
  flush();
  if (unsent_.size() > most_unsent) end("it takes nothing from its connection");
}

void Connection::send_if_idle(const Message& message) {
  if (idle()) send(message);
}

void Connection::flush() {
  while (!ended_ && !unsent_.empty()) {
    const ssize_t count = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      unsent_.erase(0, count);
    } else if (would_block(errno) || errno == ENOTCONN) {
      return;
    } else {
      // What the other side said before it closed is still to be read; receive() then finds the end.
      unsent_.clear();
      return;
    }
  }
}

}  // namespace causalfm::comm
