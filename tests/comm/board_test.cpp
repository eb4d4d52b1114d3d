#include "comm/board.hpp"

#include "comm/child_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

namespace causalfm::comm {
namespace {

using testing::HasSubstr;
using State = Neighbour::State;

/// A job that no other test and no other run of this one has.
std::string new_job() {
  static int jobs = 0;
  return "board-test-" + std::to_string(::getpid()) + "-" + std::to_string(jobs++);
}

Place place_of(const std::string& job, int64_t local_rank, int64_t local_size) {
  return {job, 10 + local_rank, 20, local_rank, local_size, "node7"};
}

/// The names of all boards of this user.
std::set<std::string> names() {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    const std::string name = entry.path().filename();
    if (name.starts_with("causalfm-" + std::to_string(::getuid()) + "-")) found.insert(name);
  }
  return found;
}

std::string new_name(const std::set<std::string>& before) {
  for (const std::string& name : names()) {
    if (!before.contains(name)) return name;
  }
  return {};
}

TEST(Board, NeighboursSeeWhatEachDoes) {
  const std::string job = new_job();
  const auto one = Board::open(place_of(job, 0, 2));
  ASSERT_TRUE(one);
  ASSERT_EQ(one->neighbours().size(), 1U);
  EXPECT_EQ(one->neighbours()[0].state, State::absent);
  EXPECT_THAT(describe(one->neighbours()[0], "node7"), HasSubstr("local number 1 on node7, which has not started"));

  auto other = Board::open(place_of(job, 1, 2));
  ASSERT_TRUE(other);
  Activity activity{Phase::step, 40, 7, {}};
  activity.set_words("all_gather");
  other->write(activity);
  const Neighbour seen = one->neighbours()[0];
  EXPECT_EQ(seen.state, State::present);
  EXPECT_EQ(seen.rank, 11);
  EXPECT_EQ(seen.activity, activity);
  EXPECT_LT(seen.silent_seconds, 1.0);
  other.reset();
  EXPECT_EQ(one->neighbours()[0].state, State::left);
}

TEST(Board, ReadersSeeWholeActivities) {
  const std::string job = new_job();
  const auto writer = Board::open(place_of(job, 0, 2));
  const auto reader = Board::open(place_of(job, 1, 2));
  writer->write({Phase::step, 0, 0, {}});
  std::jthread thread([&](const std::stop_token& stop) {
    for (int64_t i = 0; !stop.stop_requested(); ++i) {
      Activity activity{Phase::step, i, i, {}};
      activity.set_words(std::string(100, static_cast<char>('a' + i % 26)));
      writer->write(activity);
    }
  });
  int64_t last = 0;
  for (int i = 0; i < 3000; ++i) {
    const Activity seen = reader->neighbours()[0].activity;
    if (seen.step < 0) continue;  // the writer was interrupted in the middle
    ASSERT_EQ(seen.step, seen.collective);
    ASSERT_GE(seen.step, last);
    const std::string words = seen.words.data();
    if (!words.empty()) {
      ASSERT_EQ(words, std::string(100, static_cast<char>('a' + seen.step % 26)));
    }
    last = seen.step;
  }
  EXPECT_GT(last, 0);
}

TEST(Board, OneRankOfAHostSpeaks) {
  const std::string job = new_job();
  std::vector<std::unique_ptr<Board>> boards;
  for (int64_t rank = 0; rank < 3; ++rank) boards.push_back(Board::open(place_of(job, rank, 3)));
  int speakers = 0;
  for (int round = 0; round < 2; ++round) {
    for (const auto& board : boards) speakers += board->claim_to_speak() ? 1 : 0;
  }
  EXPECT_EQ(speakers, 1);
}

TEST(Board, NameIsGoneOnceAllHaveCome) {
  const auto before = names();
  const std::string job = new_job();
  const auto one = Board::open(place_of(job, 0, 2));
  EXPECT_FALSE(new_name(before).empty());
  const auto other = Board::open(place_of(job, 1, 2));
  EXPECT_EQ(new_name(before), "");
}

TEST(Board, WhoLeavesEarlyTakesTheNameAway) {
  const auto before = names();
  auto one = Board::open(place_of(new_job(), 0, 2));
  one.reset();
  EXPECT_EQ(new_name(before), "");
}

TEST(Board, ForeignAndUnfinishedFilesAreReplaced) {
  const auto before = names();
  const std::string job = new_job();
  auto board = Board::open(place_of(job, 0, 2));
  const std::filesystem::path file = "/dev/shm/" + new_name(before);
  const auto size = std::filesystem::file_size(file);
  board.reset();
  for (const size_t bytes : {size_t{5}, size_t{size}, size_t{100'000}}) {
    std::ofstream(file) << std::string(bytes, 'x');
    board = Board::open(place_of(job, 0, 2));
    ASSERT_TRUE(board) << bytes;
    EXPECT_EQ(board->neighbours()[0].state, State::absent);
    board.reset();
  }
  EXPECT_EQ(new_name(before), "");
}

TEST(Board, ASeatIsTakenOnce) {
  const std::string job = new_job();
  const auto board = Board::open(place_of(job, 0, 3));
  EXPECT_FALSE(Board::open(place_of(job, 0, 3)));
  EXPECT_TRUE(Board::open(place_of(job, 1, 3)));
}

TEST(Board, PlacesThatCannotBeAreRefused) {
  EXPECT_FALSE(Board::open(place_of("", 0, 2)));
  EXPECT_FALSE(Board::open(place_of(new_job(), 2, 2)));
  EXPECT_FALSE(Board::open(place_of(new_job(), -1, 2)));
  EXPECT_FALSE(Board::open(place_of(new_job(), 0, 1'000'000)));
}

TEST(Board, StoppedAndKilledNeighboursAreSeen) {
  const std::string job = new_job();
  ChildProcess child([&](ChildProcess::Pipe& pipe) {
    const auto board = Board::open(place_of(job, 1, 2));
    board->write({Phase::checkpoint, 40, -1, {}});
    pipe.say("there");
    ::pause();
  });
  ASSERT_EQ(child.hear(), "there");
  const auto board = Board::open(place_of(job, 0, 2));
  const auto state = [&] { return board->neighbours()[0].state; };
  EXPECT_EQ(state(), State::present);
  child.signal(SIGSTOP);
  EXPECT_TRUE(eventually([&] { return state() == State::stopped; }));
  EXPECT_EQ(describe(board->neighbours()[0], "node7"),
            "rank 11 on node7, which is stopped (kill -STOP), last known in the checkpoint of step 40");
  child.signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return state() == State::present; }));
  child.signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return state() == State::died; }));
}

}  // namespace
}  // namespace causalfm::comm
