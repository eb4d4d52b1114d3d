#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace causalfm::comm::nccl_double {

inline constexpr int most_ranks = 8;
inline constexpr size_t most_bytes = size_t{4} << 20;

/// What a rank says of its part in an exchange; ranks whose words differ have made calls that do not match.
struct Words {
  int collective = 0;
  int type = 0;
  int operation = 0;
  int root = 0;
  size_t count = 0;              ///< elements
  size_t sent[most_ranks] = {};  ///< bytes to each rank, of a group of sends and receives
  size_t received[most_ranks] = {};
};

/// Memory that ranks share, be they threads or processes. They meet in it for one exchange after the other. Nothing
/// in it is locked, so that a rank that is killed leaves nothing behind that others cannot get past.
class Meeting {
 public:
  /// Makes the memory under a new name.
  static std::string create();

  /// Comes to the memory of that name. The last of `ranks` removes the name.
  Meeting(const std::string& name, int rank, int ranks);
  ~Meeting();
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  bool complete() const;  ///< all ranks have come

  /// Shows this rank's words and `bytes` of data to all, and calls `see` once all ranks have done that, with their
  /// words and data readable. Gives up when `stop` says so.
  void exchange(const Words& words, const void* data, size_t bytes, const std::function<bool()>& stop,
                const std::function<void()>& see);

  const Words& words_of(int rank) const;
  const std::byte* data_of(int rank) const;

 private:
  struct Memory;

  std::string name_;
  int rank_;
  int ranks_;
  Memory* memory_;
  uint64_t exchanges_ = 0;
};

}  // namespace causalfm::comm::nccl_double
