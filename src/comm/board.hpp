#pragma once

#include "causalfm/comm/watchdog.hpp"
#include "comm/activity.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace causalfm::comm {

/// What a rank of this host is seen to be.
struct Neighbour {
  enum class State { absent, present, stopped, died, left };
  State state = State::absent;
  int64_t local_rank = 0;
  int64_t rank = -1;  ///< -1: absent, its number is not known
  double silent_seconds = 0.0;
  Activity activity;
};

/// A page of memory shared by the ranks of one host, where each writes what it does: there before any connection is,
/// and by which the death of a neighbour is seen at once. Its file has no name any more once all ranks of the host have
/// come; until then the first to leave takes the name away. One thread of a process uses it.
class Board {
 public:
  /// The board of place.job on this host; null where the host offers none, where it is another job's, or where a living
  /// process has this one's seat.
  static std::unique_ptr<Board> open(const Place& place);

  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  /// What this rank does, and that it lives. Any thread.
  void write(const Activity& activity);

  /// The other ranks of this host.
  std::vector<Neighbour> neighbours() const;

  /// This rank ends; its seat is left and nothing of the board stays behind. The destructor does the same.
  void leave();

  /// True for the first rank of this host that asks, once.
  bool claim_to_speak();

 private:
  struct Page;
  Board(const Place& place, std::string name, Page* page, size_t bytes);

  Place place_;
  std::string name_;
  Page* page_;
  size_t bytes_;
};

/// "rank 2 on node7 is stopped (kill -STOP), last known at the start"; empty for one that is well.
std::string describe(const Neighbour& neighbour, const std::string& host);

}  // namespace causalfm::comm
