#include "causalfm/run/lock.hpp"

#include "causalfm/run/error.hpp"
#include "causalfm/storage/error.hpp"
#include "run/this_process.hpp"

#include <nlohmann/json.hpp>

#include <condition_variable>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace causalfm::run {

namespace {

using nlohmann::ordered_json;

/// What a lock says, as far as it does.
struct Holder {
  std::string host = "an unknown host";
  int64_t pid = 0;
  std::string started = "an unknown time";
  ProcessIdentity process;

  std::string words() const { return "process " + std::to_string(pid) + " on " + host + ", started " + started; }
};

Holder holder_of(const std::vector<std::byte>& content) {
  const char* const first = reinterpret_cast<const char*>(content.data());
  const ordered_json json = ordered_json::parse(first, first + content.size(), nullptr, /*allow_exceptions=*/false);
  Holder holder;
  if (!json.is_object()) return holder;
  try {
    holder.host = json.value("host", holder.host);
    holder.pid = json.value("pid", holder.pid);
    holder.started = json.value("started", holder.started);
    holder.process = {json.value("process_space", ""), json.value("process_start", "")};
  } catch (const ordered_json::type_error&) {  // a damaged lock; watching it tells what it does not
  }
  return holder;
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

/// A sentence about the dead holder of `file`, or none where there is no lock. @throws RunError for a living one.
std::optional<std::string> dead_holder(storage::FileSystem& file_system, const std::filesystem::path& file,
                                       const LockTiming& timing) {
  if (!file_system.exists(file)) return {};
  const std::vector<std::byte> content = file_system.read(file);
  const Holder holder = holder_of(content);
  const std::optional<bool> lives = is_alive(holder.pid, holder.process);
  const bool dead = lives ? !*lives : is_silent(file_system, file, content, timing.watch);
  if (!dead) {
    throw RunError(file.string() + ": another process trains in this folder (" + holder.words() +
                   "): wait for its end, stop it, or choose another --run folder");
  }
  return file.string() + ": left by a process that is gone (" + holder.words() + "); taken over";
}

std::string own_content(int64_t ranks) {
  const ProcessIdentity process = identity_of_this_process();
  return ordered_json{{"host", this_host()},
                      {"pid", this_pid()},
                      {"started", utc_now()},
                      {"ranks", ranks},
                      {"process_space", process.space},
                      {"process_start", process.start}}
             .dump() +
         "\n";
}

}  // namespace

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

Lock::Lock(storage::FileSystem& file_system, std::filesystem::path file, int64_t ranks, LockTiming timing)
    : file_system_(file_system), file_(std::move(file)), content_(own_content(ranks)) {
  taken_over_ = dead_holder(file_system_, file_, timing);
  if (taken_over_ && file_system_.exists(file_)) file_system_.remove(file_);
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

void Lock::require_free(storage::FileSystem& file_system, const std::filesystem::path& file, LockTiming timing) {
  dead_holder(file_system, file, timing);
}

}  // namespace causalfm::run
