#pragma once

#include <chrono>
#include <memory>
#include <utility>

namespace causalfm::comm {

/// A collective under way. The tensors that it reads and writes stay alive inside it; until wait() returns, nobody
/// else writes to what it reads or touches what it writes.
class Pending {
 public:
  class Operation {
   public:
    virtual ~Operation() = default;
    virtual void wait() = 0;
  };

  Pending() = default;  ///< complete

  /// `exposed_seconds`, where there is one, grows by the time that wait() takes; a null `operation` is complete.
  explicit Pending(std::unique_ptr<Operation> operation, std::shared_ptr<double> exposed_seconds = {})
      : operation_(std::move(operation)), exposed_seconds_(std::move(exposed_seconds)) {}

  /// Returns once the results may be used (of tensors on a device: by what is put on the current stream from then on);
  /// a second call returns at once. Collectives may be waited for in any order.
  /// @throws CommunicationError naming the collective and this rank when the deadline passes or a rank is lost.
  void wait() {
    if (!operation_) return;
    const auto start = std::chrono::steady_clock::now();
    std::exchange(operation_, nullptr)->wait();
    if (exposed_seconds_) {
      *exposed_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
  }

 private:
  std::unique_ptr<Operation> operation_;
  std::shared_ptr<double> exposed_seconds_;
};

}  // namespace causalfm::comm
