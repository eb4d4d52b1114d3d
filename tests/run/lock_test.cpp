#include "causalfm/run/lock.hpp"

#include "causalfm/run/error.hpp"
#include "causalfm/run/process.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <span>
#include <string>
#include <thread>

namespace causalfm::run {
namespace {

using namespace std::chrono_literals;
using nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;

constexpr LockTiming quick{.beat = 20ms, .watch = 300ms};

class LockTest : public testing::Test {
 protected:
  ordered_json read() const {
    const std::vector<std::byte> content = files_->read(file_);
    const auto* first = reinterpret_cast<const char*>(content.data());
    return ordered_json::parse(first, first + content.size());
  }

  void write(const std::string& text) const { files_->write_new(file_, std::as_bytes(std::span(text))); }

  /// A lock that says what this process's would, but for `change`.
  void write_changed(const ordered_json& change) const {
    ordered_json json{{"host", "elsewhere"},
                      {"pid", this_pid()},
                      {"started", "2026-01-01T00:00:00Z"},
                      {"ranks", 2},
                      {"process_space", identity_of_this_process().space},
                      {"process_start", identity_of_this_process().start}};
    json.update(change);
    write(json.dump() + "\n");
  }

  Lock take() const { return {*files_, file_, find_dead_lock(*files_, file_, quick), {"a"}, quick}; }

  std::string refusal() const {
    try {
      take();
    } catch (const RunError& error) {
      return error.what();
    }
    return "taken";
  }

  storage::TemporaryFolder folder_;
  std::shared_ptr<storage::FileSystem> files_ = storage::make_real_file_system();
  std::filesystem::path file_ = folder_ / "lock.json";
};

TEST_F(LockTest, IsThereWhileItLivesAndSaysWhoHoldsIt) {
  {
    EXPECT_FALSE(find_dead_lock(*files_, file_, quick).has_value());
    const Lock lock(*files_, file_, {}, {"a", "b", "a"}, quick);
    EXPECT_EQ(read().at("pid"), getpid());
    EXPECT_EQ(read().at("ranks"), 3);
    EXPECT_EQ(read().at("hosts"), ordered_json({"a", "b"}));
    EXPECT_EQ(read().at("host"), this_host());
    EXPECT_EQ(read().at("started").get<std::string>().size(), std::string("2026-11-26T02:49:31Z").size());
    EXPECT_THAT(refusal(), AllOf(HasSubstr("another process trains in this folder"),
                                 HasSubstr(std::to_string(getpid())), HasSubstr("--run")));
  }
  EXPECT_FALSE(files_->exists(file_));
}

TEST_F(LockTest, OfAKilledProcessIsTakenOver) {
  const pid_t child = fork();
  if (child == 0) {
    write_changed({{"pid", getpid()}, {"process_start", identity_of_this_process().start}});
    pause();
  }
  while (!files_->exists(file_) || files_->read(file_).empty()) std::this_thread::sleep_for(1ms);
  EXPECT_THAT(refusal(), HasSubstr("process " + std::to_string(child)));
  kill(child, SIGSTOP);
  EXPECT_THAT(refusal(), HasSubstr("process " + std::to_string(child))) << "a frozen process may go on";
  kill(child, SIGKILL);
  waitid(P_PID, static_cast<id_t>(child), nullptr, WEXITED | WNOWAIT);
  const auto begin = std::chrono::steady_clock::now();
  // Also as long as nobody has asked for its end.
  const std::optional<DeadLock> dead = find_dead_lock(*files_, file_, {.beat = 20ms, .watch = 60s});
  EXPECT_THAT(dead->sentence, AllOf(HasSubstr("process " + std::to_string(child)), HasSubstr("gone")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << "the system knows, nothing is to be watched";
  waitpid(child, nullptr, 0);
}

TEST_F(LockTest, OfWhoTookTheDeadOneFirstStays) {
  write_changed({{"process_start", "1"}});
  const std::optional<DeadLock> dead = find_dead_lock(*files_, file_, quick);
  const Lock first(*files_, file_, dead, {"a"}, quick);
  EXPECT_THROW(Lock(*files_, file_, dead, {"a"}, quick), RunError);
  EXPECT_EQ(read().at("pid"), getpid());
}

TEST_F(LockTest, OfAnEarlierProcessOfTheSameNumberIsTakenOver) {
  write_changed({{"process_start", "1"}});
  EXPECT_EQ(refusal(), "taken");
}

TEST_F(LockTest, FromWhereNobodySeesItsProcessIsWatched) {
  write_changed({{"process_space", "another machine"}});
  EXPECT_EQ(refusal(), "taken") << "silent";

  write_changed({{"process_space", "another machine"}});
  std::atomic<bool> ended = false;
  std::thread heart([&] {
    while (!ended) {
      files_->append(file_, std::as_bytes(std::span(std::string_view("\n"))));
      std::this_thread::sleep_for(20ms);
    }
  });
  EXPECT_THAT(refusal(), HasSubstr("elsewhere"));
  ended = true;
  heart.join();
}

TEST_F(LockTest, BeatsSoThatOthersSeeItAlive) {
  const Lock lock = take();
  const size_t size = files_->read(file_).size();
  std::this_thread::sleep_for(200ms);
  EXPECT_GT(files_->read(file_).size(), size);
  EXPECT_EQ(read().at("pid"), getpid());
}

TEST_F(LockTest, ThatIsDamagedIsWatchedAndTakenOver) {
  for (const char* text : {"", "\xff{", "[]", "{\"pid\": \"x\"}", "{}"}) {
    write(text);
    EXPECT_EQ(refusal(), "taken") << text;
  }
}

TEST_F(LockTest, OfSomebodyElseIsLeftAlone) {
  {
    const Lock lock = take();
    write_changed({{"pid", 1}});
  }
  EXPECT_TRUE(files_->exists(file_));
}

}  // namespace
}  // namespace causalfm::run
