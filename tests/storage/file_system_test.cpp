#include "causalfm/storage/file_system.hpp"

#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/error.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

namespace causalfm::storage {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text(const std::vector<std::byte>& content) {
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

/// The sentence of the StorageError that `call` throws.
template <typename Call>
std::string sentence(Call call) {
  try {
    call();
  } catch (const StorageError& error) {
    return error.what();
  }
  return "no error";
}

class RealFileSystemTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::shared_ptr<FileSystem> files_ = make_real_file_system();
};

TEST_F(RealFileSystemTest, WritesAppendsTruncatesAndReads) {
  const auto file = folder_ / "file";
  files_->write_new(file, bytes("a longer first text"));
  files_->write_new(file, bytes("first"));
  files_->append(file, bytes(" second"));
  EXPECT_EQ(text(files_->read(file)), "first second");
  files_->truncate(file, 7);
  EXPECT_EQ(text(files_->read(file)), "first s");
  files_->sync_file(file);
  files_->sync_folder(folder_.path());
}

TEST_F(RealFileSystemTest, AppendCreates) {
  files_->append(folder_ / "new", bytes("x"));
  EXPECT_EQ(text(files_->read(folder_ / "new")), "x");
}

TEST_F(RealFileSystemTest, EmptyAndLargeContentComesBackWhole) {
  files_->write_new(folder_ / "empty", {});
  EXPECT_TRUE(files_->read(folder_ / "empty").empty());
  std::vector<std::byte> large(5'000'001);
  for (std::size_t i = 0; i < large.size(); ++i) {
    large[i] = static_cast<std::byte>(i * 31 >> 3);
  }
  files_->write_new(folder_ / "large", large);
  EXPECT_EQ(files_->read(folder_ / "large"), large);
}

TEST_F(RealFileSystemTest, ReadsFilesThatTellNoSize) { EXPECT_FALSE(files_->read("/proc/self/status").empty()); }

TEST_F(RealFileSystemTest, FoldersRenameRemoveList) {
  files_->create_folders(folder_ / "a/b/c");
  files_->create_folders(folder_ / "a/b/c");
  EXPECT_TRUE(files_->exists(folder_ / "a/b/c"));
  EXPECT_FALSE(files_->exists(folder_ / "a/b/d"));
  files_->write_new(folder_ / "a/2", bytes("two"));
  files_->write_new(folder_ / "a/1", bytes("one"));
  files_->rename(folder_ / "a/2", folder_ / "a/1");
  files_->write_new(folder_ / "a/.hidden", {});
  EXPECT_THAT(files_->list(folder_ / "a"), ElementsAre(".hidden", "1", "b"));
  EXPECT_EQ(text(files_->read(folder_ / "a/1")), "two");
  files_->remove(folder_ / "a/1");
  EXPECT_FALSE(files_->exists(folder_ / "a/1"));
}

TEST_F(RealFileSystemTest, EveryFailureIsASentenceWithPathReasonAndRemedy) {
  const auto missing = folder_ / "missing/file";
  const auto says = AllOf(HasSubstr(missing.string()), HasSubstr("No such file"), HasSubstr("; check the path"));
  EXPECT_THAT(sentence([&] { files_->write_new(missing, bytes("x")); }), AllOf(says, HasSubstr("cannot write")));
  EXPECT_THAT(sentence([&] { files_->append(missing, bytes("x")); }), AllOf(says, HasSubstr("cannot append")));
  EXPECT_THAT(sentence([&] { files_->read(missing); }), AllOf(says, HasSubstr("cannot read")));
  EXPECT_THAT(sentence([&] { files_->sync_file(missing); }), AllOf(says, HasSubstr("cannot sync")));
  EXPECT_THAT(sentence([&] { files_->sync_folder(missing); }), says);
  EXPECT_THAT(sentence([&] { files_->rename(missing, folder_ / "x"); }), AllOf(says, HasSubstr("cannot rename")));
  EXPECT_THAT(sentence([&] { files_->remove(missing); }), AllOf(says, HasSubstr("cannot remove")));
  EXPECT_THAT(sentence([&] { files_->truncate(missing, 1); }), AllOf(says, HasSubstr("cannot truncate")));
  EXPECT_THAT(sentence([&] { files_->list(missing); }), AllOf(says, HasSubstr("cannot list")));
  files_->write_new(folder_ / "file", bytes("x"));
  EXPECT_THAT(sentence([&] { files_->create_folders(folder_ / "file/sub"); }), HasSubstr("Not a directory"));
  EXPECT_THAT(sentence([&] { files_->read(folder_.path()); }), HasSubstr("Is a directory"));
  EXPECT_THAT(sentence([&] { files_->sync_folder(folder_ / "file"); }), HasSubstr("Not a directory"));
}

TEST_F(RealFileSystemTest, DeviceThatIsFullSaysSo) {
  EXPECT_THAT(sentence([&] { files_->write_new("/dev/full", bytes("x")); }),
              AllOf(HasSubstr("/dev/full: cannot write: No space left on device"), HasSubstr("free space")));
}

/// A file system of 1 MiB of its own, where the process may mount one.
class FullDiskTest : public RealFileSystemTest {
 protected:
  void SetUp() override {
    if (::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=1m") != 0) {
      GTEST_SKIP() << "needs the right to mount a tmpfs: " << std::strerror(errno);
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) {
      ::umount2(folder_.path().c_str(), MNT_DETACH);
    }
  }
  bool mounted_ = false;
};

TEST_F(FullDiskTest, ReplacingKeepsTheOldFileAndLeavesNothingBehind) {
  const std::vector<std::byte> first(600 * 1024, std::byte{1});
  const std::vector<std::byte> second(600 * 1024, std::byte{2});
  replace_file(*files_, folder_ / "file", first);
  EXPECT_THAT(sentence([&] { replace_file(*files_, folder_ / "file", second); }), HasSubstr("No space left"));
  EXPECT_EQ(files_->read(folder_ / "file"), first);
  EXPECT_THAT(files_->list(folder_.path()), ElementsAre("file"));
}

TEST_F(FullDiskTest, FolderThatMayOnlyBeReadKeepsTheOldFile) {
  replace_file(*files_, folder_ / "file", std::string_view("old"));
  ASSERT_EQ(::mount("tmpfs", folder_.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
  EXPECT_THAT(sentence([&] { replace_file(*files_, folder_ / "file", std::string_view("new")); }),
              AllOf(HasSubstr("Read-only file system"), HasSubstr("choose another folder")));
  EXPECT_EQ(text(files_->read(folder_ / "file")), "old");
}

}  // namespace
}  // namespace causalfm::storage
