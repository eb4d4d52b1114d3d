#include "causalfm/storage/atomic_file.hpp"

#include "causalfm/storage/error.hpp"
#include "storage/faulty_file_system.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace causalfm::storage {
namespace {

using testing::AnyOf;
using testing::ElementsAre;

std::string text(FileSystem& files, const std::filesystem::path& file) {
  const std::vector<std::byte> content = files.read(file);
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

class ReplaceFileTest : public testing::Test {
 protected:
  void SetUp() override { replace_file(*real_, file_, old_); }

  /// Runs replace_file with one fault; says whether it threw.
  bool replace_with_fault(FaultyFileSystem& faulty, int64_t operation, Fault fault, bool dead) {
    faulty.fail_at(operation, fault, dead);
    try {
      replace_file(faulty, file_, new_);
    } catch (const StorageError&) {
      return true;
    }
    return false;
  }

  TemporaryFolder folder_;
  std::shared_ptr<FileSystem> real_ = make_real_file_system();
  std::filesystem::path file_ = folder_ / "checkpoint.h5";
  const std::string old_ = "the old content, whole";
  const std::string new_ = "the new content, whole, and longer";
};

/// write, sync, rename, sync of the folder.
constexpr int64_t operations_of_a_replacement = 4;

TEST_F(ReplaceFileTest, ReplacesAndLeavesNothingBeside) {
  FaultyFileSystem counting(*real_);
  replace_file(counting, file_, new_);
  EXPECT_EQ(counting.operations(), operations_of_a_replacement);
  EXPECT_EQ(text(*real_, file_), new_);
  EXPECT_THAT(real_->list(folder_.path()), ElementsAre("checkpoint.h5"));
}

TEST_F(ReplaceFileTest, CreatesAFileThatWasNotThere) {
  replace_file(*real_, folder_ / "fresh", std::string_view("x"));
  EXPECT_EQ(text(*real_, folder_ / "fresh"), "x");
}

TEST_F(ReplaceFileTest, WhateverFailsTheFileIsOldOrNewAndThePartialIsGone) {
  for (const Fault fault : every_fault) {
    for (int64_t operation = 0; operation < operations_of_a_replacement; ++operation) {
      replace_file(*real_, file_, old_);
      FaultyFileSystem faulty(*real_);
      EXPECT_TRUE(replace_with_fault(faulty, operation, fault, false)) << operation;
      EXPECT_THAT(text(*real_, file_), AnyOf(old_, new_)) << operation;
      EXPECT_THAT(real_->list(folder_.path()), ElementsAre("checkpoint.h5")) << operation;
    }
  }
}

TEST_F(ReplaceFileTest, WhateverFailsAndThenThePowerTheFileIsOldOrNew) {
  for (const bool names_survive : {false, true}) {
    for (const Fault fault : every_fault) {
      for (int64_t operation = 0; operation < operations_of_a_replacement; ++operation) {
        replace_file(*real_, file_, old_);
        FaultyFileSystem faulty(*real_);
        EXPECT_TRUE(replace_with_fault(faulty, operation, fault, true));
        faulty.lose_power(names_survive);
        EXPECT_THAT(text(*real_, file_), AnyOf(old_, new_)) << operation << " " << names_survive;
      }
    }
  }
}

TEST_F(ReplaceFileTest, WhatHasReturnedSurvivesThePower) {
  for (const bool names_survive : {false, true}) {
    replace_file(*real_, file_, old_);
    FaultyFileSystem faulty(*real_);
    replace_file(faulty, file_, new_);
    faulty.lose_power(names_survive);
    EXPECT_EQ(text(*real_, file_), new_);
  }
}

/// The double itself: a write without sync must not survive, or the tests above prove nothing.
TEST_F(ReplaceFileTest, WhatWasNotSyncedDoesNotSurviveThePower) {
  FaultyFileSystem faulty(*real_);
  faulty.write_new(folder_ / "beside", std::as_bytes(std::span(new_)));
  faulty.rename(folder_ / "beside", file_);
  faulty.lose_power(true);
  EXPECT_EQ(text(*real_, file_), new_.substr(0, new_.size() / 2));

  replace_file(*real_, file_, old_);
  faulty.write_new(folder_ / "beside", std::as_bytes(std::span(new_)));
  faulty.sync_file(folder_ / "beside");
  faulty.rename(folder_ / "beside", file_);
  faulty.lose_power(false);
  EXPECT_EQ(text(*real_, file_), old_);
}

TEST_F(ReplaceFileTest, ThreadsThatReplaceOneFileLeaveOneWholeContent) {
  std::vector<std::thread> threads;
  for (int writer = 0; writer < 4; ++writer) {
    threads.emplace_back([this, writer] {
      for (int i = 0; i < 20; ++i) {
        replace_file(*real_, file_, std::string(10'000, static_cast<char>('a' + writer)));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const std::string content = text(*real_, file_);
  EXPECT_EQ(content, std::string(10'000, content.front()));
}

TEST(PartialFileTest, IsToldByItsName) {
  EXPECT_TRUE(is_partial_file(".checkpoint.h5.partial-17-18"));
  EXPECT_FALSE(is_partial_file("checkpoint.h5"));
  EXPECT_FALSE(is_partial_file(".hidden"));
}

}  // namespace
}  // namespace causalfm::storage
