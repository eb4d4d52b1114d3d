#pragma once

#include "comm/descriptor.hpp"
#include "comm/message.hpp"

#include <string>
#include <vector>

namespace causalfm::comm {

/// Messages over one non-blocking stream socket. Holds at most a frame of what came and 64 KiB of what the other side
/// has not taken yet; who sends what is not ours, or does not take what must reach it, has ended.
class Connection {
 public:
  explicit Connection(Descriptor socket) : socket_(std::move(socket)) {}

  int descriptor() const { return socket_.get(); }

  /// Events of poll() that this connection waits for.
  short awaited() const;

  /// What has come whole. At most `most` messages; more come with the next call.
  std::vector<Message> receive(size_t most = 64);

  void send(const Message& message);

  /// Sends only if nothing is waiting to be sent: for what the next message of the kind replaces.
  void send_if_idle(const Message& message);

  /// Writes what is waiting as far as the other side takes it.
  void flush();

  bool idle() const { return unsent_.empty(); }

  /// The other side has closed it, broken the protocol or cannot be reached; nothing more will come or go.
  bool ended() const { return ended_; }

  /// Why, in words.
  const std::string& cause() const { return cause_; }

 private:
  void end(std::string cause);
  bool read_some();

  Descriptor socket_;
  std::string received_;
  std::string unsent_;
  bool ended_ = false;
  std::string cause_;
};

}  // namespace causalfm::comm
