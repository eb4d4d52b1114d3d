#pragma once

#include "causalfm/storage/error.hpp"
#include "causalfm/storage/file_system.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::storage {

/// How an operation fails: nothing of it happens; half of its bytes are written; it happens and is said to have failed.
enum class Fault { refused, torn, reported };

inline constexpr Fault every_fault[] = {Fault::refused, Fault::torn, Fault::reported};

/// Passes everything on to a real file system and counts what changes something (not read, exists, list); makes one
/// such operation fail, and knows what a power failure would take (so it need not wait for the real disk: a sync is
/// only written down). Several threads may use it, one operation after the other.
class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(FileSystem& real) : real_(real) {}

  /// Operation number `operation`, from 0 as counted from now on, fails; with `dead` all later ones are refused too.
  void fail_at(int64_t operation, Fault fault, bool dead = false) {
    operations_ = 0;
    failing_ = operation;
    fault_ = fault;
    dead_ = dead;
  }

  void never_fail() { failing_.reset(); }

  /// Called with the name of every operation that changes something, before it.
  void before_each(std::function<void(const std::string& name)> call) { before_each_ = std::move(call); }

  /// Since the last fail_at, or ever.
  int64_t operations() const { return operations_; }

  /// The machine stops: of content that was not synced half is gone and, unless `names_survive`, names that were not
  /// synced are as they were. Either may happen, so a test tries both.
  void lose_power(bool names_survive) {
    for (; !names_survive && !names_.empty(); names_.pop_back()) {
      names_.back().undo();
    }
    for (const auto& [file, synced] : unsynced_) {
      if (real_.exists(file)) {
        real_.truncate(file, synced + (std::filesystem::file_size(file) - synced) / 2);
      }
    }
    names_.clear();
    unsynced_.clear();
  }

  void create_folders(const std::filesystem::path& folder) override {
    change("create_folders", [&] { real_.create_folders(folder); });
  }

  void write_new(const std::filesystem::path& file, std::span<const std::byte> content) override {
    const auto write = [&](std::size_t size) {
      remember_creation(file);
      unsynced_[file] = 0;
      real_.write_new(file, content.first(size));
    };
    change(
        "write_new", [&] { write(content.size()); }, [&] { write(content.size() / 2); });
  }

  bool create(const std::filesystem::path& file, std::span<const std::byte> content) override {
    bool created = false;
    const auto write = [&](std::size_t size) {
      if (real_.exists(file)) return;
      remember_creation(file);
      unsynced_[file] = 0;
      created = real_.create(file, content.first(size));
    };
    change(
        "create", [&] { write(content.size()); }, [&] { write(content.size() / 2); });
    return created;
  }

  void append(const std::filesystem::path& file, std::span<const std::byte> content) override {
    const auto write = [&](std::size_t size) {
      remember_creation(file);
      unsynced_.try_emplace(file, real_.exists(file) ? std::filesystem::file_size(file) : 0);
      real_.append(file, content.first(size));
    };
    change(
        "append", [&] { write(content.size()); }, [&] { write(content.size() / 2); });
  }

  void sync_file(const std::filesystem::path& file) override {
    change("sync_file", [&] {
      require_existence(file);
      unsynced_.erase(file);
    });
  }

  void sync_folder(const std::filesystem::path& folder) override {
    change("sync_folder", [&] {
      require_existence(folder);
      std::erase_if(names_, [&](const NameChange& change) { return change.folder == folder; });
    });
  }

  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    change("rename", [&] {
      const auto replaced = content_of(to);
      real_.rename(from, to);
      move_mark(from, to);
      names_.push_back({to.parent_path(), [=, this] {
                          real_.rename(to, from);
                          move_mark(to, from);
                          restore(to, replaced);
                        }});
    });
  }

  void remove(const std::filesystem::path& file) override {
    change("remove", [&] {
      const auto removed = content_of(file);
      real_.remove(file);
      unsynced_.erase(file);
      names_.push_back({file.parent_path(), [=, this] { restore(file, removed); }});
    });
  }

  void truncate(const std::filesystem::path& file, uint64_t size) override {
    change("truncate", [&] {
      const auto marked = unsynced_.try_emplace(file, size).first;
      marked->second = std::min(marked->second, size);
      real_.truncate(file, size);
    });
  }

  std::vector<std::byte> read(const std::filesystem::path& file) override { return real_.read(file); }
  bool exists(const std::filesystem::path& path) override { return real_.exists(path); }
  std::vector<std::string> list(const std::filesystem::path& folder) override { return real_.list(folder); }

 private:
  struct NameChange {
    std::filesystem::path folder;
    std::function<void()> undo;
  };

  void change(const std::string& name, const std::function<void()>& whole, const std::function<void()>& half = {}) {
    if (before_each_) before_each_(name);
    const std::lock_guard lock(mutex_);
    const int64_t number = operations_++;
    if (failing_.has_value() && number == *failing_) {
      if (fault_ == Fault::reported) {
        whole();
      } else if (fault_ == Fault::torn && half) {
        half();
      }
      throw StorageError("injected: operation " + std::to_string(number) + ", " + name + ", fails");
    }
    if (failing_.has_value() && dead_ && number > *failing_) {
      throw StorageError("injected: the disk is gone at operation " + std::to_string(number) + ", " + name);
    }
    whole();
  }

  void require_existence(const std::filesystem::path& path) {
    if (!real_.exists(path)) {
      throw StorageError(path.string() + ": cannot sync: it is not there");
    }
  }

  std::optional<std::vector<std::byte>> content_of(const std::filesystem::path& file) {
    return std::filesystem::is_regular_file(file) ? std::optional(real_.read(file)) : std::nullopt;
  }

  void restore(const std::filesystem::path& file, const std::optional<std::vector<std::byte>>& content) {
    if (content.has_value()) {
      real_.write_new(file, *content);
    }
  }

  void remember_creation(const std::filesystem::path& file) {
    if (!real_.exists(file)) {
      names_.push_back({file.parent_path(), [=, this] {
                          if (real_.exists(file)) {
                            real_.remove(file);
                          }
                          unsynced_.erase(file);
                        }});
    }
  }

  void move_mark(const std::filesystem::path& from, const std::filesystem::path& to) {
    unsynced_.erase(to);
    if (auto marked = unsynced_.extract(from)) {
      marked.key() = to;
      unsynced_.insert(std::move(marked));
    }
  }

  FileSystem& real_;
  std::function<void(const std::string& name)> before_each_;
  std::mutex mutex_;
  int64_t operations_ = 0;
  std::optional<int64_t> failing_;
  Fault fault_ = Fault::refused;
  bool dead_ = false;
  std::map<std::filesystem::path, uint64_t> unsynced_;  ///< and how many of its bytes are synced
  std::vector<NameChange> names_;
};

}  // namespace causalfm::storage
