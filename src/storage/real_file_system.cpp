#include "causalfm/storage/error.hpp"
#include "causalfm/storage/file_system.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace causalfm::storage {

namespace {

using std::filesystem::path;

std::string remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free space there or choose another folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "give this user the right to it or choose another folder";
    case ENOENT:
    case ENOTDIR:
      return "check the path";
    case EISDIR:
    case EEXIST:
    case ENOTEMPTY:
      return "move what is there out of the way or choose another name";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    default:
      return "check the disk, or choose another folder";
  }
}

[[noreturn]] void fail(const path& where, const std::string& operation, int error) {
  throw StorageError(where.string() + ": cannot " + operation + ": " + std::generic_category().message(error) + "; " +
                     remedy(error));
}

/// Repeats a system call that a signal has interrupted.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) {
    result = call();
  }
  return result;
}

/// An open file, closed with the object; close() says whether all was well (some network file systems tell of a full
/// disk only there).
class OpenFile {
 public:
  OpenFile(const path& file, int flags, const std::string& operation) : OpenFile(open(file, flags), file, operation) {
    if (descriptor_ == -1) {
      fail(file_, operation_, errno);
    }
  }
  OpenFile(int descriptor, const path& file, const std::string& operation)
      : file_(file), operation_(operation), descriptor_(descriptor) {}
  ~OpenFile() {
    if (descriptor_ != -1) {
      ::close(descriptor_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  /// A descriptor, or -1 with errno.
  static int open(const path& file, int flags) {
    return uninterrupted([&] { return ::open(file.c_str(), flags | O_CLOEXEC, 0666); });
  }

  int descriptor() const { return descriptor_; }

  void write(std::span<const std::byte> content) {
    while (!content.empty()) {
      const ssize_t written = uninterrupted([&] { return ::write(descriptor_, content.data(), content.size()); });
      if (written == -1) {
        fail(file_, operation_, errno);
      }
      content = content.subspan(static_cast<std::size_t>(written));
    }
  }

  void close() {
    // Linux has closed the descriptor also where it answers EINTR: never twice.
    if (::close(std::exchange(descriptor_, -1)) == -1 && errno != EINTR) {
      fail(file_, operation_, errno);
    }
  }

 private:
  path file_;
  std::string operation_;
  int descriptor_;
};

void sync(const path& where, int flags) {
  OpenFile file(where, O_RDONLY | flags, "sync");
  // EINVAL: this file system cannot sync such a thing (folders, on some network file systems); it does what it can.
  if (uninterrupted([&] { return ::fsync(file.descriptor()); }) == -1 && errno != EINVAL) {
    fail(where, "sync", errno);
  }
  file.close();
}

class RealFileSystem final : public FileSystem {
 public:
  void create_folders(const path& folder) override {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
      fail(folder, "create the folder", error.value());
    }
  }

  void write_new(const path& file, std::span<const std::byte> content) override {
    OpenFile opened(file, O_WRONLY | O_CREAT | O_TRUNC, "write");
    opened.write(content);
    opened.close();
  }

  bool create(const path& file, std::span<const std::byte> content) override {
    const int descriptor = OpenFile::open(file, O_WRONLY | O_CREAT | O_EXCL);
    if (descriptor == -1) {
      if (errno == EEXIST) return false;
      fail(file, "create", errno);
    }
    OpenFile opened(descriptor, file, "create");
    opened.write(content);
    opened.close();
    return true;
  }

  void append(const path& file, std::span<const std::byte> content) override {
    OpenFile opened(file, O_WRONLY | O_CREAT | O_APPEND, "append");
    opened.write(content);
    opened.close();
  }

  void sync_file(const path& file) override { sync(file, 0); }

  void sync_folder(const path& folder) override { sync(folder, O_DIRECTORY); }

  void rename(const path& from, const path& to) override {
    if (::rename(from.c_str(), to.c_str()) == -1) {
      fail(from, "rename to " + to.string(), errno);
    }
  }

  void remove(const path& where) override {
    if (::remove(where.c_str()) == -1) {
      fail(where, "remove", errno);
    }
  }

  void truncate(const path& file, uint64_t size) override {
    if (uninterrupted([&] { return ::truncate(file.c_str(), static_cast<off_t>(size)); }) == -1) {
      fail(file, "truncate", errno);
    }
  }

  std::vector<std::byte> read(const path& file) override {
    OpenFile opened(file, O_RDONLY, "read");
    struct stat status {};
    if (::fstat(opened.descriptor(), &status) == -1) {
      fail(file, "read", errno);
    }
    // One byte more than the file has: the read that finds the end then needs no growth.
    std::vector<std::byte> content(static_cast<std::size_t>(status.st_size) + 1);
    std::size_t size = 0;
    while (true) {
      const ssize_t got =
          uninterrupted([&] { return ::read(opened.descriptor(), content.data() + size, content.size() - size); });
      if (got == -1) {
        fail(file, "read", errno);
      }
      if (got == 0) {
        break;
      }
      size += static_cast<std::size_t>(got);
      if (size == content.size()) {
        content.resize(2 * size);
      }
    }
    content.resize(size);
    return content;
  }

  bool exists(const path& where) override {
    struct stat status {};
    if (::stat(where.c_str(), &status) == 0) {
      return true;
    }
    if (errno != ENOENT && errno != ENOTDIR) {
      fail(where, "look for it", errno);
    }
    return false;
  }

  std::vector<std::string> list(const path& folder) override {
    std::error_code error;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      names.push_back(entry->path().filename().string());
    }
    if (error) {
      fail(folder, "list the folder", error.value());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
};

}  // namespace

std::shared_ptr<FileSystem> make_real_file_system() { return std::make_shared<RealFileSystem>(); }

}  // namespace causalfm::storage
