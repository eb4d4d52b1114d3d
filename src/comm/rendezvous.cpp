#include "rendezvous.hpp"

#include <exception>
#include <sstream>
#include <utility>

namespace causalfm::comm {

class Rendezvous::Meeting {
 public:
  Meeting(Call call, int64_t first_rank, int64_t world_size)
      : call(std::move(call)), first_rank(first_rank), contributions(world_size), came(world_size) {}

  const Call call;
  const int64_t first_rank;
  std::vector<Contribution> contributions;
  std::vector<bool> came;
  int64_t arrived = 0;
  bool done = false;
};

Rendezvous::Rendezvous(int64_t world_size) : world_size_(world_size), left_(world_size, false) {}

std::shared_ptr<Rendezvous::Meeting> Rendezvous::arrive(int64_t rank, const Call& call, Contribution contribution,
                                                        const Exchange& exchange) {
  std::unique_lock lock(mutex_);
  auto& open = open_[call.number];
  if (!open) open = std::make_shared<Meeting>(call, rank, world_size_);
  const std::shared_ptr<Meeting> meeting = open;
  if (meeting->call.words != call.words) {
    throw CommunicationError(call.place(rank, world_size_) + " meets " + meeting->call.words + " on rank " +
                             std::to_string(meeting->first_rank) +
                             "; every rank must make the same calls in the same order with the same sizes");
  }
  meeting->contributions[rank] = std::move(contribution);
  meeting->came[rank] = true;
  if (++meeting->arrived < world_size_) return meeting;

  open_.erase(call.number);
  lock.unlock();
  try {
    exchange(meeting->contributions);
  } catch (const std::exception& error) {
    fail(rank, error.what());
    throw;
  }
  lock.lock();
  meeting->contributions.clear();
  meeting->done = true;
  changed_.notify_all();
  return meeting;
}

void Rendezvous::wait(int64_t rank, const Meeting& meeting, std::chrono::steady_clock::time_point start,
                      std::chrono::duration<double> deadline) {
  std::unique_lock lock(mutex_);
  const auto settled = [&] { return meeting.done || failure_ || !missing_ranks(meeting, true).empty(); };
  const auto end = start + std::chrono::duration_cast<std::chrono::steady_clock::duration>(deadline);
  const bool in_time = changed_.wait_until(lock, end, settled);
  // Once all have come nobody is missing, however long the last one works.
  if (meeting.arrived == world_size_) changed_.wait(lock, [&] { return meeting.done || failure_; });
  if (meeting.done) return;
  const std::string where = meeting.call.place(rank, world_size_);
  if (failure_) throw PeerFailure(where, *failure_);
  const std::string missing = missing_ranks(meeting, in_time);
  if (in_time) throw CommunicationError(where + " cannot end: rank " + missing + " made fewer calls and has returned");
  std::ostringstream text;
  text << where << " did not end within " << deadline.count() << " s: rank " << missing
       << " has not come; see what it waits for, or raise the deadline";
  throw CommunicationError(text.str());
}

void Rendezvous::fail(int64_t rank, const std::string& cause) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = Failure{.rank = rank, .sentence = cause};
  changed_.notify_all();
}

void Rendezvous::leave(int64_t rank) {
  const std::lock_guard lock(mutex_);
  left_[rank] = true;
  changed_.notify_all();
}

std::string Rendezvous::missing_ranks(const Meeting& meeting, bool only_left) const {
  std::string missing;
  for (int64_t rank = 0; rank < world_size_; ++rank) {
    if (meeting.came[rank] || (only_left && !left_[rank])) continue;
    if (!missing.empty()) missing += ", ";
    missing += std::to_string(rank);
  }
  return missing;
}

}  // namespace causalfm::comm
