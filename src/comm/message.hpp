#pragma once

#include "causalfm/comm/error.hpp"
#include "causalfm/comm/watchdog.hpp"
#include "comm/activity.hpp"

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace causalfm::comm {

/// What the ranks of one job say to each other over TCP, as frames of at most 4 KiB: a length, a type, its fields.
/// Longer sentences and lists are cut off. Little-endian.

/// Of one job, known to its ranks only.
using Token = std::array<uint8_t, 16>;

/// A rank to rank 0, first of all.
struct Hello {
  Token token{};
  int64_t rank = 0;
  std::string host;
};

/// Rank 0 to a rank that it has accepted.
struct Welcome {
  std::string host;
};

/// A rank to rank 0, now and then.
struct Heartbeat {
  Activity activity;
};

/// Rank 0 to all, now and then.
struct Pulse {
  Activity activity;     ///< of rank 0
  bool working = false;  ///< some rank that lives has not come to its end yet
  std::string deputy;    ///< the host that speaks when rank 0 dies; empty: none yet
  std::vector<Straggler> stragglers;
};

/// A rank to rank 0: it has failed.
struct Report {
  Failure failure;
  bool echo = false;  ///< of another rank's failure
};

/// Rank 0 to all: the job has failed.
struct Alarm {
  Failure failure;
};

/// Either way: from here on this end is closed in order.
struct Goodbye {};

using Message = std::variant<Hello, Welcome, Heartbeat, Pulse, Report, Alarm, Verdict, Goodbye>;

/// What came is none of ours.
class ProtocolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline constexpr size_t largest_payload = 4096;
inline constexpr size_t header_bytes = 4;

/// The frame of `message`, length first.
std::string encode(const Message& message);

/// The number of bytes that follow a header. @throws ProtocolError when it is 0 or more than largest_payload.
size_t payload_bytes(std::string_view header);

/// The message of a frame's payload. @throws ProtocolError for an unknown type, a field out of range, or bytes too
/// many or too few.
Message decode(std::string_view payload);

/// Whether both are equal, in a time that does not tell where they differ.
bool same_token(const Token& one, const Token& other);

}  // namespace causalfm::comm
