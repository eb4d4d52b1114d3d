#include "causalfm/run/lock.hpp"

#include "causalfm/run/error.hpp"
#include "causalfm/run/process.hpp"
#include "causalfm/storage/error.hpp"
#include "run/place.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace causalfm::run {

namespace {

std::string words_of(const Place& holder) {
  return "process " + std::to_string(holder.pid) + " on " + (holder.host.empty() ? "an unknown host" : holder.host) +
         ", started " + (holder.started.empty() ? "at an unknown time" : holder.started);
}

/// Nobody changes the lock while it is watched.
bool is_silent(storage::FileSystem& file_system, const std::filesystem::path& file,
               const std::vector<std::byte>& content, std::chrono::duration<double> watch) {
  const auto end = std::chrono::steady_clock::now() + watch;
  while (std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::min<std::chrono::duration<double>>(watch / 8, std::chrono::seconds(1)));
    if (!file_system.exists(file)) return true;
    if (file_system.read(file) != content) return false;
  }
  return true;
}

Place place_of(const std::vector<std::string>& host_of_rank) {
  Place place{this_host(), this_pid(), utc_now(), static_cast<int64_t>(host_of_rank.size()), {}, {}};
  for (const std::string& host : host_of_rank) {
    if (std::ranges::find(place.hosts, host) == place.hosts.end()) place.hosts.push_back(host);
  }
  place.process = identity_of_this_process();
  return place;
}

}  // namespace

std::optional<DeadLock> find_dead_lock(storage::FileSystem& file_system, const std::filesystem::path& file,
                                       const LockTiming& timing) {
  if (!file_system.exists(file)) return {};
  std::vector<std::byte> content = file_system.read(file);
  const Place holder = parse_place(content).value_or(Place{});
  const std::optional<bool> lives = is_alive(holder.pid, holder.process);
  const bool dead = lives ? !*lives : is_silent(file_system, file, content, timing.watch);
  if (!dead) {
    throw RunError(file.string() + ": another process trains in this folder (" + words_of(holder) +
                   "): wait for its end, stop it, or choose another --run folder");
  }
  return DeadLock{std::move(content),
                  file.string() + ": left by a process that is gone (" + words_of(holder) + "); taken over"};
}

/// Appends an empty line to the lock every beat.
class Lock::Heart {
 public:
  Heart(storage::FileSystem& file_system, const std::filesystem::path& file, std::chrono::duration<double> beat)
      : thread_([this, &file_system, file, beat] {
          std::unique_lock lock(mutex_);
          while (!ended_.wait_for(lock, beat, [this] { return ending_; })) {
            try {
              file_system.append(file, std::as_bytes(std::span(std::string_view("\n"))));
            } catch (const storage::StorageError&) {  // a full disk; the process lives all the same
            }
          }
        }) {}

  ~Heart() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    ended_.notify_one();
    thread_.join();
  }

  Heart(const Heart&) = delete;
  Heart& operator=(const Heart&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread thread_;  ///< last: it uses all the others
};

Lock::Lock(storage::FileSystem& file_system, std::filesystem::path file, const std::optional<DeadLock>& dead,
           const std::vector<std::string>& host_of_rank, LockTiming timing)
    : file_system_(file_system), file_(std::move(file)), content_(place_text(place_of(host_of_rank))) {
  if (dead && file_system_.exists(file_) && file_system_.read(file_) == dead->content) file_system_.remove(file_);
  if (!file_system_.create(file_, std::as_bytes(std::span(content_)))) {
    throw RunError(file_.string() +
                   ": another process has begun to train in this folder at this moment: choose another "
                   "--run folder");
  }
  heart_ = std::make_unique<Heart>(file_system_, file_, timing.beat);
}

Lock::~Lock() {
  heart_.reset();
  try {
    const std::vector<std::byte> content = file_system_.read(file_);
    const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
    if (text.starts_with(content_)) file_system_.remove(file_);
  } catch (const storage::StorageError&) {  // whoever comes next finds that this process is gone
  }
}

}  // namespace causalfm::run
