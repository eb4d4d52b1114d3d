#include "comm/message.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace causalfm::comm {
namespace {

constexpr size_t longest_host = 64;
constexpr size_t longest_sentence = 2000;
constexpr size_t most_stragglers = 16;

class Writer {
 public:
  void byte(uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void number(int64_t value) {
    for (int shift = 0; shift < 64; shift += 8) byte(static_cast<uint8_t>(static_cast<uint64_t>(value) >> shift));
  }
  void real(double value) { number(std::bit_cast<int64_t>(value)); }
  void text(std::string_view value, size_t longest) {
    value = value.substr(0, longest);
    byte(static_cast<uint8_t>(value.size()));
    byte(static_cast<uint8_t>(value.size() >> 8));
    bytes_.append(value);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  uint8_t byte() { return static_cast<uint8_t>(take(1)[0]); }
  int64_t number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 8) value |= uint64_t{byte()} << shift;
    return static_cast<int64_t>(value);
  }
  double real() { return std::bit_cast<double>(number()); }
  bool flag() { return byte() != 0; }
  std::string text(size_t longest) {
    size_t size = byte();
    size |= size_t{byte()} << 8;
    if (size > longest) throw ProtocolError("a text of " + std::to_string(size) + " bytes");
    return std::string(take(size));
  }
  void end() const {
    if (!rest_.empty()) throw ProtocolError(std::to_string(rest_.size()) + " bytes too many");
  }

 private:
  std::string_view take(size_t size) {
    if (rest_.size() < size) throw ProtocolError("a frame that ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

void write(Writer& out, const Activity& activity) {
  out.byte(static_cast<uint8_t>(activity.phase));
  out.number(activity.step);
  out.number(activity.collective);
  out.text(activity.words.data(), activity.words.size() - 1);
}

Activity read_activity(Reader& in) {
  Activity activity;
  const uint8_t phase = in.byte();
  if (phase > static_cast<uint8_t>(Phase::ending)) throw ProtocolError("an unknown phase");
  activity.phase = static_cast<Phase>(phase);
  activity.step = in.number();
  activity.collective = in.number();
  activity.set_words(in.text(activity.words.size() - 1));
  return activity;
}

void write(Writer& out, const Failure& failure) {
  out.number(failure.rank);
  out.number(failure.exit_code);
  out.text(failure.sentence, longest_sentence);
}

Failure read_failure(Reader& in) {
  Failure failure;
  failure.rank = in.number();
  failure.exit_code = static_cast<int>(in.number() & 0xff);
  failure.sentence = in.text(longest_sentence);
  return failure;
}

void write(Writer& out, const Hello& hello) {
  for (const uint8_t byte : hello.token) out.byte(byte);
  out.number(hello.rank);
  out.text(hello.host, longest_host);
}

void write(Writer& out, const Welcome& welcome) { out.text(welcome.host, longest_host); }
void write(Writer& out, const Heartbeat& heartbeat) { write(out, heartbeat.activity); }

void write(Writer& out, const Pulse& pulse) {
  write(out, pulse.activity);
  out.byte(pulse.working ? 1 : 0);
  out.text(pulse.deputy, longest_host);
  const size_t count = std::min(pulse.stragglers.size(), most_stragglers);
  out.byte(static_cast<uint8_t>(count));
  for (size_t i = 0; i < count; ++i) {
    const Straggler& straggler = pulse.stragglers[i];
    out.number(straggler.rank);
    out.text(straggler.host, longest_host);
    out.real(straggler.silent_seconds);
    write(out, straggler.activity);
  }
}

void write(Writer& out, const Report& report) {
  write(out, report.failure);
  out.byte(report.echo ? 1 : 0);
}

void write(Writer& out, const Alarm& alarm) { write(out, alarm.failure); }

void write(Writer& out, const Verdict& verdict) {
  out.number(verdict.exit_code);
  out.text(verdict.sentence, longest_sentence);
  out.byte(verdict.everyone ? 1 : 0);
  out.byte(verdict.reachable ? 1 : 0);
}

void write(Writer&, const Goodbye&) {}

Hello read_hello(Reader& in) {
  Hello hello;
  for (uint8_t& byte : hello.token) byte = in.byte();
  hello.rank = in.number();
  hello.host = in.text(longest_host);
  return hello;
}

Pulse read_pulse(Reader& in) {
  Pulse pulse{read_activity(in), in.flag(), in.text(longest_host), {}};
  const uint8_t count = in.byte();
  if (count > most_stragglers) throw ProtocolError("a list that is too long");
  for (int i = 0; i < count; ++i) {
    Straggler straggler;
    straggler.rank = in.number();
    straggler.host = in.text(longest_host);
    straggler.silent_seconds = in.real();
    straggler.activity = read_activity(in);
    pulse.stragglers.push_back(std::move(straggler));
  }
  return pulse;
}

Verdict read_verdict(Reader& in) {
  Verdict verdict;
  verdict.exit_code = static_cast<int>(in.number() & 0xff);
  verdict.sentence = in.text(longest_sentence);
  verdict.everyone = in.flag();
  verdict.reachable = in.flag();
  return verdict;
}

Message read_message(Reader& in) {
  switch (in.byte()) {  // the index of the variant
    case 0:
      return read_hello(in);
    case 1:
      return Welcome{in.text(longest_host)};
    case 2:
      return Heartbeat{read_activity(in)};
    case 3:
      return read_pulse(in);
    case 4: {
      Failure failure = read_failure(in);
      return Report{std::move(failure), in.flag()};
    }
    case 5:
      return Alarm{read_failure(in)};
    case 6:
      return read_verdict(in);
    case 7:
      return Goodbye{};
    default:
      throw ProtocolError("an unknown type of message");
  }
}

}  // namespace

std::string encode(const Message& message) {
  Writer out;
  out.byte(static_cast<uint8_t>(message.index()));
  std::visit([&](const auto& fields) { write(out, fields); }, message);
  const std::string payload = out.take();
  std::string frame(header_bytes, '\0');
  for (size_t i = 0; i < header_bytes; ++i) frame[i] = static_cast<char>(payload.size() >> (8 * i));
  return frame + payload;
}

size_t payload_bytes(std::string_view header) {
  size_t size = 0;
  for (size_t i = 0; i < header_bytes; ++i) size |= size_t{static_cast<uint8_t>(header[i])} << (8 * i);
  if (size == 0 || size > largest_payload) throw ProtocolError("a frame of " + std::to_string(size) + " bytes");
  return size;
}

Message decode(std::string_view payload) {
  Reader in(payload);
  Message message = read_message(in);
  in.end();
  return message;
}

bool same_token(const Token& one, const Token& other) {
  uint8_t difference = 0;
  for (size_t i = 0; i < one.size(); ++i) difference |= one[i] ^ other[i];
  return difference == 0;
}

}  // namespace causalfm::comm
