#include "comm/nccl_double/meeting.hpp"

#include "comm/nccl_double/device.hpp"
#include "comm/nccl_double/journal.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace causalfm::comm::nccl_double {

struct Meeting::Memory {
  struct Seat {
    std::atomic<uint64_t> shown;  ///< exchanges to which the rank has shown its words and data
    std::atomic<uint64_t> seen;   ///< exchanges of which it needs the others' no longer
    Words words;
    std::byte data[most_bytes];
  };

  std::atomic<int> come;
  Seat seats[most_ranks];
};

std::string Meeting::create() {
  static std::atomic<int> number = 0;
  const std::string name = "/causalfm-nccl-" + std::to_string(getpid()) + "-" + std::to_string(++number);
  const int file = shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600);
  // Pages come when they are written to, and as zeros.
  if (file < 0 || ftruncate(file, sizeof(Memory)) != 0) throw std::runtime_error("no shared memory: " + name);
  close(file);
  return name;
}

Meeting::Meeting(const std::string& name, int rank, int ranks) : name_(name), rank_(rank), ranks_(ranks) {
  const int file = shm_open(name.c_str(), O_RDWR, 0600);
  if (file < 0 || ranks > most_ranks) throw std::runtime_error("no shared memory: " + name);
  void* const start = mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (start == MAP_FAILED) throw std::runtime_error("no shared memory: " + name);
  memory_ = static_cast<Memory*>(start);
  if (++memory_->come == ranks) shm_unlink(name.c_str());
}

Meeting::~Meeting() {
  if (!complete()) shm_unlink(name_.c_str());
  munmap(memory_, sizeof(Memory));
}

bool Meeting::complete() const { return memory_->come >= ranks_; }

void Meeting::exchange(const Words& words, const void* data, size_t bytes, const std::function<bool()>& stop,
                       const std::function<void()>& see) {
  if (bytes > most_bytes) throw std::runtime_error("the exchange is larger than the shared memory of the double");
  const uint64_t number = ++exchanges_;
  const auto all = [&](std::atomic<uint64_t> Memory::Seat::*counter, uint64_t reached) {
    for (int rank = 0; rank < ranks_; ++rank) {
      if ((memory_->seats[rank].*counter).load() < reached) return false;
    }
    return true;
  };
  const auto meet = [&](std::atomic<uint64_t> Memory::Seat::*counter, uint64_t reached) {
    wait_for([&] { return stop() || all(counter, reached); }, "the other ranks");
    return !stop() && all(counter, reached);
  };
  Memory::Seat& own = memory_->seats[rank_];
  if (!meet(&Memory::Seat::seen, number - 1)) return;
  own.words = words;
  if (bytes > 0) std::memcpy(own.data, data, bytes);
  own.shown = number;
  if (!meet(&Memory::Seat::shown, number)) return;
  see();
  own.seen = number;
}

const Words& Meeting::words_of(int rank) const { return memory_->seats[rank].words; }
const std::byte* Meeting::data_of(int rank) const { return memory_->seats[rank].data; }

}  // namespace causalfm::comm::nccl_double
