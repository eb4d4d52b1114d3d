#include "causalfm/run/summary.hpp"

#include "causalfm/storage/error.hpp"
#include "causalfm/storage/file_system.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace causalfm::run {
namespace {

class SummaryTest : public testing::Test {
 protected:
  void write(std::string_view text) { files_->write_new(file_, std::as_bytes(std::span(text))); }

  std::string sentence() {
    try {
      read_summary(*files_, file_);
    } catch (const storage::StorageError& error) {
      return error.what();
    }
    return "no error";
  }

  storage::TemporaryFolder folder_;
  std::shared_ptr<storage::FileSystem> files_ = storage::make_real_file_system();
  std::filesystem::path file_ = folder_ / "summary.json";
};

TEST_F(SummaryTest, ComesBackWhateverTheEnd) {
  for (const Ending ended : {Ending::completed, Ending::early_stopping, Ending::interrupted, Ending::failed}) {
    const Summary summary{ended, 1000, 800, 0.1, 12.5, 4, 3, "AVX2", {{"causalfm", "0.1.0"}}, "why \"it\" ended\n"};
    write_summary(*files_, file_, summary);
    const Summary read = read_summary(*files_, file_);
    EXPECT_EQ(read.ended, ended);
    EXPECT_EQ(read.steps, 1000);
    EXPECT_EQ(read.best_step, 800);
    EXPECT_EQ(read.best_value, 0.1);
    EXPECT_EQ(read.seconds, 12.5);
    EXPECT_EQ(read.ranks, 4);
    EXPECT_EQ(read.threads, 3);
    EXPECT_EQ(read.instruction_set, "AVX2");
    EXPECT_EQ(read.versions, summary.versions);
    EXPECT_EQ(read.reason, summary.reason);
  }
}

TEST_F(SummaryTest, ARunThatNeverValidatedHasAnInfiniteBest) {
  write_summary(*files_, file_, Summary{});
  EXPECT_EQ(read_summary(*files_, file_).best_value, std::numeric_limits<double>::infinity());
  EXPECT_EQ(read_summary(*files_, file_).reason, "");
}

TEST_F(SummaryTest, ThreadsAndInstructionSetMayBeAbsent) {
  write(R"({"ended": "failed", "steps": 3, "best_step": 0, "best_value": "inf", "seconds": 1, "ranks": 2,
            "versions": {}, "of a later version": [1]})");
  EXPECT_EQ(read_summary(*files_, file_).threads, 0);
  EXPECT_EQ(read_summary(*files_, file_).instruction_set, "");
  EXPECT_EQ(read_summary(*files_, file_).ranks, 2);
}

TEST_F(SummaryTest, DamageIsASentence) {
  EXPECT_THAT(sentence(), testing::HasSubstr("No such file"));
  for (const char* content : {"", "{", "[]", "{\"ended\": \"completed\"}", "\0\0"}) {
    write(content);
    EXPECT_THAT(sentence(), testing::HasSubstr("summary.json: it is no summary of a run")) << content;
  }
  write("{\"ended\": \"vanished\"}");
  EXPECT_THAT(sentence(), testing::HasSubstr("its end is 'vanished'"));
}

}  // namespace
}  // namespace causalfm::run
