#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/model/observer.hpp"

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace causalfm::training {

/// A stretch of time of one rank.
struct Span {
  enum class Kind {
    step,       ///< of a rank from its wait for data to its metrics
    phase,      ///< of a step; phases do not overlap
    sublayer,   ///< of a forward phase
    reduction,  ///< gradients under way between ranks while backward goes on
  };

  Kind kind = Kind::phase;
  std::string name;
  double begin = 0.0;   ///< seconds since the profile began
  double end = 0.0;     ///< seconds since the profile began
  double waited = 0.0;  ///< seconds of it for which the computation stood still for other ranks

  double seconds() const { return end - begin; }
};

/// Where the time of some steps of this rank goes. On a GPU every boundary waits for what the host has put on the
/// current stream, so that a profiled step is somewhat slower than others. Handed down by pointer; null: nothing is
/// measured.
class Profile final : public model::Observer {
 public:
  /// `communicator` outlives it. Ranks make theirs right after a barrier, so that their clocks begin together.
  Profile(const comm::Communicator& communicator, c10::Device device);

  /// Measures while it lives. What ends by an exception is not kept.
  class Scope {
   public:
    Scope(Profile* profile, std::string_view name, Span::Kind kind = Span::Kind::phase);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Profile* profile_;
    Span span_;
    int exceptions_ = 0;
  };

  /// A sublayer has ended, which began where the one before ended or a scope began.
  void observe(const std::string& name, const at::Tensor& output) override;

  /// What is measured is what a step without profile does.
  bool sees_sublayers() const override { return false; }

  /// Seconds since the profile began, as the host sees it.
  double now() const;

  void add(Span span) { spans_.push_back(std::move(span)); }
  const std::vector<Span>& spans() const { return spans_; }  ///< in the order of their ends

 private:
  /// now() once the device has done what the host has asked of the current stream.
  double boundary() const;

  const comm::Communicator& communicator_;
  c10::Device device_;
  std::chrono::steady_clock::time_point origin_;
  double mark_ = 0.0;  ///< where the next sublayer begins
  std::vector<Span> spans_;
};

}  // namespace causalfm::training
