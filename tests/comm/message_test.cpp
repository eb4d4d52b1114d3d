#include "comm/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace causalfm::comm {
namespace {

using testing::HasSubstr;

Activity some_activity() {
  Activity activity;
  activity.phase = Phase::validation;
  activity.step = 40;
  activity.collective = 1'000'000'000'000;
  activity.set_words("all_reduce (sum) of 12 float32 for gradients");
  return activity;
}

std::vector<Message> one_of_each() {
  return {Hello{{1, 2, 255}, 7, "node7"},
          Welcome{"node0"},
          Heartbeat{some_activity()},
          Pulse{some_activity(), true, "node1", {{3, "node3", 12.5, some_activity()}, {4, "", 0.0, {}}}},
          Report{{3, 8, "out of memory"}, true},
          Alarm{{2, 4, "rank 2 died"}},
          Verdict{75, "rank 3: a sentence", true, true},
          Goodbye{}};
}

std::string payload_of(const Message& message) { return encode(message).substr(header_bytes); }

TEST(Message, ComesBackAsItWas) {
  for (const Message& message : one_of_each()) {
    const std::string frame = encode(message);
    ASSERT_EQ(payload_bytes(frame), frame.size() - header_bytes);
    const Message decoded = decode(payload_of(message));
    ASSERT_EQ(decoded.index(), message.index());
    EXPECT_EQ(encode(decoded), frame);
  }
  const auto pulse = std::get<Pulse>(decode(payload_of(one_of_each()[3])));
  EXPECT_TRUE(pulse.working);
  ASSERT_EQ(pulse.stragglers.size(), 2U);
  EXPECT_EQ(pulse.stragglers[0].host, "node3");
  EXPECT_EQ(pulse.stragglers[0].silent_seconds, 12.5);
  EXPECT_EQ(pulse.stragglers[0].activity, some_activity());
  const auto report = std::get<Report>(decode(payload_of(one_of_each()[4])));
  EXPECT_EQ(report.failure.rank, 3);
  EXPECT_EQ(report.failure.exit_code, 8);
  EXPECT_EQ(report.failure.sentence, "out of memory");
  EXPECT_TRUE(report.echo);
}

TEST(Message, TooFewAndTooManyBytesAreErrors) {
  for (const Message& message : one_of_each()) {
    const std::string payload = payload_of(message);
    for (size_t size = 0; size < payload.size(); ++size) {
      EXPECT_THROW(decode(payload.substr(0, size)), ProtocolError) << message.index() << " " << size;
    }
    EXPECT_THROW(decode(payload + '\0'), ProtocolError);
  }
}

TEST(Message, GarbageIsAnErrorOrAMessageNeverMore) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = i % 2 == 0 ? payload_of(one_of_each()[random() % 8]) : std::string(random() % 300, '\0');
    for (size_t change = i % 2 == 0 ? 1 + random() % 3 : bytes.size(); change > 0 && !bytes.empty(); --change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    try {
      EXPECT_LE(encode(decode(bytes)).size(), header_bytes + largest_payload);
    } catch (const ProtocolError&) {
    }
  }
}

TEST(Message, LengthsAreBounded) {
  EXPECT_THROW(payload_bytes(std::string("\0\0\0\0", 4)), ProtocolError);
  EXPECT_THROW(payload_bytes("\xff\xff\xff\xff"), ProtocolError);
  EXPECT_THROW(payload_bytes(std::string("\x01\x10\0\0", 4)), ProtocolError);  // 4097
  EXPECT_EQ(payload_bytes(std::string("\0\x10\0\0", 4)), 4096U);

  Pulse pulse{some_activity(), false, std::string(1000, 'd'), {}};
  Activity wordy = some_activity();
  wordy.set_words(std::string(1000, 'w'));
  for (int i = 0; i < 1000; ++i) pulse.stragglers.push_back({i, std::string(1000, 'h'), 1.0, wordy});
  for (const Message& message : {Message(pulse), Message(Report{{1, 4, std::string(100'000, 's')}, false})}) {
    const std::string frame = encode(message);
    EXPECT_LE(frame.size(), header_bytes + largest_payload);
    EXPECT_NO_THROW(decode(payload_of(message)));
  }
}

TEST(Message, TokensAreComparedWhole) {
  Token token{};
  for (size_t i = 0; i < token.size(); ++i) {
    Token other = token;
    EXPECT_TRUE(same_token(token, other));
    other[i] ^= 0x80;
    EXPECT_FALSE(same_token(token, other));
  }
}

TEST(Activity, IsTold) {
  EXPECT_EQ(describe(some_activity()),
            "in the validation of step 40, at all_reduce (sum) of 12 float32 for gradients (collective 1000000000000)");
  EXPECT_EQ(describe(Straggler{2, "node7", 12.3, {}}), "rank 2 on node7, silent for 12 s, last known at the start");
  EXPECT_EQ(describe(Straggler{2, "node7", 0.0, {}}), "rank 2 on node7, at the start");
}

}  // namespace
}  // namespace causalfm::comm
