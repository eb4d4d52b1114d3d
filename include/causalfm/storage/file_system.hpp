#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace causalfm::storage {

/// The seam through which every byte of a run or a data set leaves, and where tests put a full disk, a torn write or a
/// power failure. An implementation owns no file between two calls: every call opens, works and closes.
///
/// Threads: the real one may be called from any thread at any time; two calls that change one path at the same time
/// are the caller's race, as they are between processes.
/// Errors: every call throws StorageError with path, operation, the system's reason and a remedy. After an error a
/// file that was being written holds any prefix of what was asked for; `rename` has happened or has not.
/// Durability: nothing survives a power failure unless sync_file (content) and sync_folder (names) have returned.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Creates `folder` and the folders above it; nothing happens if it is there.
  virtual void create_folders(const std::filesystem::path& folder) = 0;

  /// Writes `content` to `file`, created or emptied first.
  virtual void write_new(const std::filesystem::path& file, std::span<const std::byte> content) = 0;

  /// Writes `content` to `file`, created by this call; false, and nothing happens, if a file of that name is there.
  virtual bool create(const std::filesystem::path& file, std::span<const std::byte> content) = 0;

  /// Writes `content` at the end of `file`, created if it is not there, in one system call where the system allows.
  virtual void append(const std::filesystem::path& file, std::span<const std::byte> content) = 0;

  /// Returns when the content of `file` is on the disk.
  virtual void sync_file(const std::filesystem::path& file) = 0;

  /// Returns when the names in `folder` are on the disk: what was created, renamed or removed there.
  virtual void sync_folder(const std::filesystem::path& folder) = 0;

  /// Gives `from` the name `to` in one step, replacing what had that name. Both on one file system.
  virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;

  /// Removes one file, or one empty folder; an error if it is not there.
  virtual void remove(const std::filesystem::path& path) = 0;

  /// Cuts `file` to its first `size` bytes.
  virtual void truncate(const std::filesystem::path& file, uint64_t size) = 0;

  /// The whole content of `file`.
  virtual std::vector<std::byte> read(const std::filesystem::path& file) = 0;

  /// Whether a file or folder of this name is there; an error if that cannot be told (no permission).
  virtual bool exists(const std::filesystem::path& path) = 0;

  /// The names in `folder` (not the paths), sorted.
  virtual std::vector<std::string> list(const std::filesystem::path& folder) = 0;
};

/// POSIX calls, nothing kept in memory. Owned by the caller; hand it on by reference.
std::shared_ptr<FileSystem> make_real_file_system();

}  // namespace causalfm::storage
