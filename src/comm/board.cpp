#include "comm/board.hpp"

#include "comm/descriptor.hpp"
#include "comm/process.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <new>
#include <optional>
#include <thread>

namespace causalfm::comm {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t magic = 0x6366'6d62'6f61'7264;  // "cfmboard"
constexpr uint32_t version = 1;
constexpr int64_t most_local_ranks = 4096;

/// After this time a board whose ranks are all dead is a killed job's, not one that is just starting.
constexpr int64_t stale_nanoseconds = 30'000'000'000;

/// In which a heartbeat may be late.
constexpr double noticeable_silence_seconds = 2.0;

/// How long another rank of the host may hold the lock on the name.
constexpr auto lock_patience = 2s;

static_assert(std::atomic<int64_t>::is_always_lock_free && std::atomic<uint64_t>::is_always_lock_free);

/// An Activity that one process writes and others read, whole: a reader tries again when the writer was at it.
class SharedActivity {
 public:
  void store(const Activity& activity) {
    Words words{};
    std::memcpy(words.data(), &activity, sizeof activity);
    const uint64_t turn = turn_.load(std::memory_order_relaxed);
    turn_.store(turn + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    for (size_t i = 0; i < words.size(); ++i) words_[i].store(words[i], std::memory_order_relaxed);
    turn_.store(turn + 2, std::memory_order_release);
  }

  /// None while the writer stands still in the middle.
  std::optional<Activity> load() const {
    for (int attempt = 0; attempt < 100; ++attempt) {
      const uint64_t before = turn_.load(std::memory_order_acquire);
      Words words;
      for (size_t i = 0; i < words.size(); ++i) words[i] = words_[i].load(std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_acquire);
      if (before % 2 != 0 || turn_.load(std::memory_order_relaxed) != before) continue;
      Activity activity;
      std::memcpy(static_cast<void*>(&activity), words.data(), sizeof activity);
      activity.words.back() = '\0';
      return activity;
    }
    return std::nullopt;
  }

 private:
  static_assert(std::is_trivially_copyable_v<Activity> && sizeof(Activity) % sizeof(uint64_t) == 0);
  using Words = std::array<uint64_t, sizeof(Activity) / sizeof(uint64_t)>;
  std::atomic<uint64_t> turn_{0};
  std::array<std::atomic<uint64_t>, sizeof(Activity) / sizeof(uint64_t)> words_{};
};

enum SeatState : int64_t { seat_free, seat_taken, seat_left };

struct alignas(64) Seat {
  std::atomic<int64_t> state{seat_free};
  std::atomic<int64_t> rank{0};
  std::atomic<int64_t> process{0};
  std::atomic<int64_t> process_start{0};
  std::atomic<int64_t> process_namespace{0};
  std::atomic<int64_t> heartbeat{0};  ///< steady clock, nanoseconds: one clock for all processes of a host
  SharedActivity activity;

  ProcessIdentity identity() const { return {process.load(), process_start.load(), process_namespace.load()}; }
};

int64_t now_nanoseconds() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A name that tells jobs and users apart and holds nothing but letters and digits.
std::string board_name(const std::string& job) {
  uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char letter : job) hash = (hash ^ static_cast<uint8_t>(letter)) * 1099511628211U;
  char text[64];
  std::snprintf(text, sizeof text, "/causalfm-%u-%016llx", ::getuid(), static_cast<unsigned long long>(hash));
  return text;
}

/// Whether `name` still leads to the file behind `file`.
bool is_named(const std::string& name, const Descriptor& file) {
  const Descriptor again(::shm_open(name.c_str(), O_RDWR | O_CLOEXEC, 0));
  struct stat mine {};
  struct stat theirs {};
  return again && ::fstat(file.get(), &mine) == 0 && ::fstat(again.get(), &theirs) == 0 && mine.st_ino == theirs.st_ino;
}

/// The file of that name, locked; it may be new and empty.
Descriptor open_locked(const std::string& name) {
  const auto end = std::chrono::steady_clock::now() + lock_patience;
  while (std::chrono::steady_clock::now() < end) {
    Descriptor file(::shm_open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) return {};
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (std::chrono::steady_clock::now() > end) return {};
      std::this_thread::sleep_for(1ms);
    }
    if (is_named(name, file)) return file;
  }
  return {};
}

}  // namespace

struct alignas(Seat) Board::Page {
  std::atomic<uint64_t> magic_number{0};  ///< written last
  uint32_t version = 0;
  int64_t seats = 0;
  int64_t created = 0;  ///< steady clock, nanoseconds
  std::atomic<int64_t> come{0};
  std::atomic<int64_t> spoken{0};

  Seat* seat(int64_t index) { return reinterpret_cast<Seat*>(this + 1) + index; }

  bool fits(int64_t local_size) const {
    return magic_number.load() == magic && version == comm::version && seats == local_size;
  }

  /// All that came are dead, and it is long ago.
  bool is_stale() {
    if (now_nanoseconds() - created < stale_nanoseconds) return false;
    for (int64_t i = 0; i < seats; ++i) {
      if (seat(i)->state.load() == seat_taken && process_state(seat(i)->identity()) != ProcessState::gone) return false;
    }
    return true;
  }

  static Page* create(void* memory, int64_t local_size) {
    auto* page = new (memory) Page;
    page->version = comm::version;
    page->seats = local_size;
    page->created = now_nanoseconds();
    for (int64_t i = 0; i < local_size; ++i) new (page->seat(i)) Seat;
    page->magic_number.store(magic);
    return page;
  }
};

std::unique_ptr<Board> Board::open(const Place& place) {
  if (place.local_size < 1 || place.local_size > most_local_ranks || place.local_rank < 0 ||
      place.local_rank >= place.local_size || place.job.empty()) {
    return nullptr;
  }
  const std::string name = board_name(place.job);
  const size_t bytes = sizeof(Page) + place.local_size * sizeof(Seat);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const Descriptor file = open_locked(name);
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || status.st_uid != ::getuid()) return nullptr;
    const bool is_new = status.st_size == 0;
    if (is_new && ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes)) != 0) {
      ::shm_unlink(name.c_str());
      return nullptr;
    }
    void* memory = nullptr;
    if (is_new || status.st_size == static_cast<off_t>(bytes)) {
      memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
      if (memory == MAP_FAILED) return nullptr;
    }
    Page* page = is_new ? Page::create(memory, place.local_size) : static_cast<Page*>(memory);
    if (page == nullptr || !page->fits(place.local_size) || page->is_stale()) {
      if (memory != nullptr) ::munmap(memory, bytes);
      ::shm_unlink(name.c_str());  // a killed job's, or a file that nobody has finished making
      continue;
    }
    if (page->seat(place.local_rank)->state.load() != seat_free) {
      ::munmap(memory, bytes);
      return nullptr;
    }
    std::unique_ptr<Board> board(new Board(place, name, page, bytes));
    ::flock(file.get(), LOCK_UN);  // the mapping would hold it beyond the descriptor's end
    return board;
  }
  return nullptr;
}

Board::Board(const Place& place, std::string name, Page* page, size_t bytes)
    : place_(place), name_(std::move(name)), page_(page), bytes_(bytes) {
  Seat& seat = *page_->seat(place_.local_rank);
  const ProcessIdentity identity = this_process();
  seat.rank = place_.rank;
  seat.process = identity.process;
  seat.process_start = identity.start;
  seat.process_namespace = identity.process_namespace;
  write({});
  seat.state = seat_taken;
  if (page_->come.fetch_add(1) + 1 == place_.local_size) ::shm_unlink(name_.c_str());
}

Board::~Board() {
  leave();
  ::munmap(page_, bytes_);
}

void Board::leave() {
  if (page_->seat(place_.local_rank)->state.exchange(seat_left) == seat_left) return;
  // Whoever comes after one that has left is too late for this job.
  if (page_->come.load() < place_.local_size) ::shm_unlink(name_.c_str());
}

void Board::write(const Activity& activity) {
  Seat& seat = *page_->seat(place_.local_rank);
  seat.activity.store(activity);
  seat.heartbeat = now_nanoseconds();
}

bool Board::claim_to_speak() { return page_->spoken.exchange(1) == 0; }

std::vector<Neighbour> Board::neighbours() const {
  std::vector<Neighbour> found;
  for (int64_t i = 0; i < place_.local_size; ++i) {
    if (i == place_.local_rank) continue;
    const Seat& seat = *page_->seat(i);
    Neighbour neighbour;
    neighbour.local_rank = i;
    const int64_t state = seat.state.load();
    if (state != seat_free) {
      neighbour.rank = seat.rank;
      neighbour.activity = seat.activity.load().value_or(Activity{});
      neighbour.silent_seconds = 1e-9 * static_cast<double>(now_nanoseconds() - seat.heartbeat);
      const ProcessState process = state == seat_left ? ProcessState::unknown : process_state(seat.identity());
      neighbour.state = state == seat_left                 ? Neighbour::State::left
                        : process == ProcessState::gone    ? Neighbour::State::died
                        : process == ProcessState::stopped ? Neighbour::State::stopped
                                                           : Neighbour::State::present;
    }
    found.push_back(neighbour);
  }
  return found;
}

std::string describe(const Neighbour& neighbour, const std::string& host) {
  const std::string rank = "rank " + std::to_string(neighbour.rank) + " on " + host;
  const std::string known = ", last known " + describe(neighbour.activity);
  switch (neighbour.state) {
    case Neighbour::State::absent:
      return "the rank with local number " + std::to_string(neighbour.local_rank) + " on " + host +
             ", which has not started";
    case Neighbour::State::stopped:
      return rank + ", which is stopped (kill -STOP)" + known;
    case Neighbour::State::died:
      return rank + ", which has died" + known;
    case Neighbour::State::left:
      return rank + ", which has ended";
    case Neighbour::State::present:
      if (neighbour.silent_seconds < noticeable_silence_seconds) return {};
      return rank + ", silent for " + seconds_text(neighbour.silent_seconds) + " s" + known;
  }
  return {};
}

}  // namespace causalfm::comm
