#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace causalfm::comm {

enum class Reduction { sum, maximum, minimum };

enum class Collective { all_reduce, all_gather, reduce_scatter, all_to_all, broadcast, barrier };
inline constexpr int64_t collectives = 6;

const char* to_string(Collective collective);

/// One collective as a rank asks for it.
struct Call {
  Collective collective;
  std::string words;   ///< "all_reduce (sum) of 12 float32 for gradients"; equal on all ranks whose calls match
  int64_t bytes = 0;   ///< of the reduced or broadcast tensor, of all ranks' rows together, of what a rank sends to all
  int64_t number = 0;  ///< among the calls of its communicator; 0 is the first

  /// "all_reduce (sum) of 12 float32 (collective 7) on rank 1 of 4"
  std::string place(int64_t rank, int64_t world_size) const;
};

/// What went through a communicator.
struct Traffic {
  struct Volume {
    int64_t calls = 0;
    int64_t bytes = 0;  ///< the sum of Call::bytes
  };

  std::array<Volume, collectives> volumes;
  double exposed_seconds = 0.0;  ///< for which the computation stood still in Pending::wait

  Volume& of(Collective collective) { return volumes[static_cast<size_t>(collective)]; }
  const Volume& of(Collective collective) const { return volumes[static_cast<size_t>(collective)]; }

  /// What was added to `before`.
  Traffic since(const Traffic& before) const;
};

}  // namespace causalfm::comm
