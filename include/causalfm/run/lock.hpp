#pragma once

#include "causalfm/storage/file_system.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::run {

/// How a lock shows that its process lives, and how long another watches it before it holds it for dead.
struct LockTiming {
  std::chrono::duration<double> beat{5.0};
  std::chrono::duration<double> watch{20.0};
};

/// A lock whose process is gone.
struct DeadLock {
  std::vector<std::byte> content;
  std::string sentence;  ///< about the process
};

/// What stands in the way of a lock `file`: nothing, or a dead lock. Where the system cannot tell, watches for a while.
/// @throws RunError when another process holds it.
std::optional<DeadLock> find_dead_lock(storage::FileSystem& file_system, const std::filesystem::path& file,
                                       const LockTiming& timing = {});

/// Keeps a second process from training in a run's folder while this object lives: lock.json, {"host", "pid",
/// "started" (UTC), "ranks", "hosts", …}. Whether another lock's process lives is asked of the system where it can tell
/// (the same start of the machine, the same namespace of processes); elsewhere the lock is watched, for a living one
/// grows by an empty line every beat. `file_system` must outlive it. One thread of its own.
class Lock {
 public:
  /// Takes the lock `file`, whose folder is there.
  /// @param dead what find_dead_lock() has found; it is removed first.
  /// @param host_of_rank where each rank of the run computes.
  /// @throws RunError when another lock is there; storage::StorageError when it cannot be written.
  Lock(storage::FileSystem& file_system, std::filesystem::path file, const std::optional<DeadLock>& dead,
       const std::vector<std::string>& host_of_rank, LockTiming timing = {});

  /// Gives it back, if it is still this one's.
  ~Lock();
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  class Heart;

  storage::FileSystem& file_system_;
  std::filesystem::path file_;
  std::string content_;
  std::unique_ptr<Heart> heart_;
};

}  // namespace causalfm::run
