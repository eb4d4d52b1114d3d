#pragma once

#include "causalfm/comm/monitor.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace causalfm::comm {

/// Which of a job's processes this one is, as its launcher says before MPI can.
struct Place {
  std::string job;  ///< equal on a job's ranks of one host, different for another job of that host
  int64_t rank = 0;
  int64_t world_size = 1;
  int64_t local_rank = 0;  ///< among the ranks of this host
  int64_t local_size = 1;
  std::string host;
};

/// How a failed job ends, equal on every rank that could be reached. It has been said on stderr.
struct Verdict {
  int exit_code = 4;
  std::string sentence;
  bool everyone = false;   ///< all ranks failed and came to agree: MPI may be finalized
  bool reachable = false;  ///< every rank that lives knows of it; if not, MPI_Abort is what is left
};

/// What the ranks of a job know of each other beside MPI: a thread of its own that never calls MPI. It keeps a page of
/// memory shared by the ranks of a host and, from join() on, a connection to rank 0 over TCP, by which ranks tell what
/// they do, notice that one has died or fallen silent, and agree on how a failed job ends. It also ends this process
/// where nothing else can: in a call into MPI or NCCL that does not return, or when the process lives on after the
/// failure of its job. Every function may be called from any thread; none waits for another rank but agree().
class Watchdog final : public Monitor {
 public:
  /// What only the program may do.
  struct Hooks {
    std::function<void(const std::string& sentence)> say;   ///< the one sentence of a failure, on stderr
    std::function<void(const std::string& sentence)> warn;  ///< into the log
    std::function<void(int exit_code)> leave;               ///< ends the process at once
  };

  struct Timing {
    std::chrono::duration<double> deadline{300.0};  ///< comm.deadline_seconds: longest silence of a rank
    std::chrono::duration<double> warning{10.0};    ///< silence that is worth a warning
    std::chrono::duration<double> heartbeat{0.5};
    std::chrono::duration<double> noticeable{2.0};   ///< silence that is more than a late heartbeat
    std::chrono::duration<double> together{0.05};    ///< how far apart ranks may notice what all of them meet
    std::chrono::duration<double> patience{5.0};     ///< for living ranks that have not ended their work
    std::chrono::duration<double> last_resort{8.0};  ///< from a known failure to the end of this process
    std::chrono::duration<double> abort{5.0};        ///< for MPI_Abort
  };

  /// @throws std::system_error when no thread can be started.
  Watchdog(Place place, Hooks hooks, Timing timing);

  /// Tells the others that this rank ends in order.
  ~Watchdog() override;
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// A stretch of this process that ends at Guard's destruction, or by the end of the process.
  class Guard {
   public:
    Guard(Guard&& other) noexcept : watchdog_(std::exchange(other.watchdog_, nullptr)), number_(other.number_) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (watchdog_ != nullptr) watchdog_->release(number_);
    }

   private:
    friend class Watchdog;
    Guard(Watchdog* watchdog, int64_t number) : watchdog_(watchdog), number_(number) {}
    Watchdog* watchdog_;
    int64_t number_;
  };

  /// What a guard does while a rank that is known to be alive is still at work.
  enum class Patience {
    none,            ///< the deadline counts from the start
    for_the_living,  ///< it counts from the end of the others' work, as for MPI_Finalize
  };

  /// While the guard lives, `what` (words such as "MPI_Init") must end within `deadline`; and, as it cannot notice
  /// that the job has failed elsewhere, it is not waited for when that happens. If it does not end, the process does:
  /// the sentence is said by one rank, MPI_Abort tried, the process left with code 4.
  Guard cover(const std::string& what, std::chrono::duration<double> deadline, Patience patience = Patience::none);

  /// What to call for MPI_Abort; on a thread of its own, for some seconds at most. An empty function takes it back.
  void set_abort(std::function<void(int exit_code)> abort);

  /// Rank 0: opens a port and returns, in one line, how the others reach it: a random token, the port, addresses. Empty
  /// when that is not possible.
  std::string invitation();

  /// The other ranks: connects to rank 0 in the background. Without a connection the job runs all the same, but nobody
  /// can say who is missing, and a failure ends it by MPI_Abort; rank 0 warns.
  void join(const std::string& invitation);

  /// This rank has failed. Tells the others, whose waiting ends, and returns when rank 0 has heard those that live, or
  /// has lost patience. By then the failure has been said: with "rank 3: " before it when not all ranks met it.
  /// @param echo whether this failure only follows another rank's (PeerFailure).
  Verdict agree(const Failure& failure, bool echo);

  void announce(Phase phase, int64_t step) override;
  void started(const Call& call) override;
  std::optional<Failure> failure() const override;
  std::string missing(const Call& call) const override;

 private:
  void release(int64_t number);

  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace causalfm::comm
