#include "comm/hub.hpp"

#include "comm/child_process.hpp"
#include "comm/spoke.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <random>

namespace causalfm::comm {
namespace {

using Clock = std::chrono::steady_clock;

/// A plain connection to the hub's port, of somebody who may know the token or not.
class Stranger {
 public:
  explicit Stranger(const Hub& hub) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = socket_address("127.0.0.1", hub.invitation().port);
    connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address->storage), address->size) == 0;
  }

  bool connected() const { return connected_; }
  void say(const std::string& bytes) { ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT); }

  /// Whether the hub has closed the connection without a word.
  bool refused() {
    char byte = 0;
    const ssize_t count = ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT);
    return count == 0 || (count < 0 && errno != EAGAIN);
  }

 private:
  Descriptor socket_;
  bool connected_ = false;
};

std::string hello(const Hub& hub, int64_t rank) { return encode(Hello{hub.invitation().token, rank, "node7"}); }

/// Serves the hub until `condition` holds; the news meanwhile.
bool serve_until(Hub& hub, const std::function<bool()>& condition, std::vector<News>* news = nullptr) {
  return eventually([&] {
    for (News& each : hub.serve(Clock::now())) {
      if (news != nullptr) news->push_back(std::move(each));
    }
    return condition();
  });
}

TEST(Hub, TakesWhoIsInvitedOnce) {
  Hub hub(3, "node0", true);
  Stranger one(hub);
  one.say(hello(hub, 1));
  std::vector<News> news;
  ASSERT_TRUE(serve_until(
      hub, [&] { return hub.has(1); }, &news));
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(std::get<Hello>(*news[0].message).host, "node7");

  Stranger again(hub);
  again.say(hello(hub, 1));
  EXPECT_TRUE(serve_until(hub, [&] { return again.refused(); }));
  EXPECT_TRUE(hub.has(1));
}

TEST(Hub, RefusesWhoIsNot) {
  Hub hub(3, "node0", true);
  Hello wrong{hub.invitation().token, 1, "node7"};
  wrong.token[15] ^= 1;
  const std::vector<std::string> words{encode(wrong),
                                       hello(hub, 0),
                                       hello(hub, 3),
                                       hello(hub, -1),
                                       encode(Heartbeat{}),
                                       encode(Verdict{}),
                                       "GET / HTTP/1.1\r\n\r\n",
                                       std::string("\0\0\0\0", 4),
                                       std::string("\xff\xff\xff\x7f", 4) + std::string(100'000, 'x')};
  for (const std::string& bytes : words) {
    Stranger stranger(hub);
    stranger.say(bytes);
    EXPECT_TRUE(serve_until(hub, [&] { return stranger.refused(); })) << bytes.substr(0, 40);
  }
  EXPECT_FALSE(hub.has(1));
}

TEST(Hub, SilentStrangersAreDroppedAndDoNotKeepOthersOut) {
  Hub hub(3, "node0", true);
  std::vector<std::unique_ptr<Stranger>> silent;
  for (int i = 0; i < 80; ++i) silent.push_back(std::make_unique<Stranger>(hub));
  Stranger rank(hub);
  rank.say(hello(hub, 2));
  const auto start = Clock::now();
  // The clock is an argument: what takes three seconds is played in ten times the speed.
  EXPECT_TRUE(eventually([&] {
    hub.serve(start + 10 * (Clock::now() - start));
    return hub.has(2);
  }));
  EXPECT_TRUE(silent.front()->refused());
}

TEST(Hub, GarbageAfterTheHelloEndsTheConnection) {
  Hub hub(3, "node0", true);
  std::mt19937 random(3);
  for (const int64_t number : {1, 2}) {
    Stranger rank(hub);
    rank.say(hello(hub, number));
    ASSERT_TRUE(serve_until(hub, [&] { return hub.has(number); }));
    std::string bytes(10'000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    rank.say(bytes);
    std::vector<News> news;
    ASSERT_TRUE(serve_until(
        hub, [&] { return !hub.has(number); }, &news));
    EXPECT_FALSE(news.back().message);
    EXPECT_NE(news.back().cause.find("it sent a frame of"), std::string::npos) << news.back().cause;
  }
}

TEST(Hub, PortIsClosedOnceAllHaveCome) {
  Hub hub(2, "node0", true);
  Stranger rank(hub);
  rank.say(hello(hub, 1));
  ASSERT_TRUE(serve_until(hub, [&] { return hub.has(1); }));
  EXPECT_FALSE(Stranger(hub).connected());
}

TEST(Hub, AReaderThatStandsStillCostsNothingAndIsKept) {
  Hub hub(3, "node0", true);
  Stranger rank(hub);
  rank.say(hello(hub, 1));
  ASSERT_TRUE(serve_until(hub, [&] { return hub.has(1); }));
  Pulse pulse;
  pulse.stragglers.resize(16);
  for (int i = 0; i < 100'000; ++i) hub.send_to_all_if_idle(pulse);
  hub.send_to_all(Alarm{{2, 4, "rank 2 died"}});
  hub.serve(Clock::now());
  EXPECT_TRUE(hub.has(1));
}

TEST(Hub, AReaderThatTakesNothingThatMustReachItIsGivenUp) {
  Hub hub(3, "node0", true);
  Stranger rank(hub);
  rank.say(hello(hub, 1));
  ASSERT_TRUE(serve_until(hub, [&] { return hub.has(1); }));
  for (int i = 0; i < 100'000 && hub.has(1); ++i) {
    hub.send_to_all(Alarm{{2, 4, std::string(2000, 's')}});
    if (i % 100 == 0) hub.serve(Clock::now());
  }
  EXPECT_FALSE(hub.has(1));
}

TEST(Spoke, FindsTheAddressThatAnswers) {
  Hub hub(2, "node0", false);
  Invitation invitation = hub.invitation();
  // An address that never answers (RFC 5737), then the one that does.
  invitation.addresses = {"192.0.2.1", "127.0.0.1"};
  const std::string text = invitation.text();
  const auto parsed = Invitation::parse(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text(), text);
  Spoke spoke(*parsed, 1, "node1");
  std::vector<Message> messages;
  ASSERT_TRUE(serve_until(hub, [&] {
    messages = spoke.serve();
    return spoke.joined();
  }));
  EXPECT_EQ(std::get<Welcome>(messages.front()).host, "node0");
  spoke.send(Heartbeat{});
  std::vector<News> news;
  EXPECT_TRUE(serve_until(
      hub, [&] { return !news.empty(); }, &news));
}

TEST(Spoke, KeepsItsCauseWhenServedAfterItsEnd) {
  auto hub = std::make_unique<Hub>(2, "node0", true);
  Spoke spoke(hub->invitation(), 1, "node1");
  ASSERT_TRUE(serve_until(*hub, [&] {
    spoke.serve();
    return spoke.joined();
  }));
  hub.reset();
  ASSERT_TRUE(eventually([&] {
    spoke.serve();
    return spoke.ended();
  }));
  const std::string cause = spoke.cause();
  EXPECT_TRUE(spoke.serve().empty());
  EXPECT_EQ(spoke.cause(), cause);
}

TEST(Spoke, EndsWhenNobodyAnswers) {
  Invitation invitation;
  {
    Hub hub(2, "node0", true);
    invitation = hub.invitation();
  }
  Spoke spoke(invitation, 1, "node1");
  EXPECT_TRUE(eventually([&] {
    spoke.serve();
    return spoke.ended();
  }));
  EXPECT_FALSE(spoke.joined());
}

TEST(Invitation, IsParsedStrictly) {
  const std::string token(32, 'a');
  EXPECT_TRUE(Invitation::parse(token + " 80 10.0.0.1 fe80::1"));
  for (const std::string& text : std::vector<std::string>{"", token, token + " 80", token + " 0 10.0.0.1",
                                                          token + " 99999 10.0.0.1", "a" + token + " 80 10.0.0.1",
                                                          std::string(32, 'g') + " 80 10.0.0.1", token + " 80 node1"}) {
    EXPECT_FALSE(Invitation::parse(text)) << text;
  }
  EXPECT_NE(random_token(), random_token());
}

}  // namespace
}  // namespace causalfm::comm
