#pragma once

#include "causalfm/comm/communicator.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace causalfm::comm {

/// Where a rank computes, and with what.
struct RankPlace {
  std::string host;
  std::string device;      ///< "cpu", "cuda:1"
  std::string numa_nodes;  ///< of its cores: "0", "0-1", "unknown"
  int64_t threads = 1;

  bool operator==(const RankPlace&) const = default;
};

/// The place of every rank, by rank. Collective. @throws CommunicationError
std::vector<RankPlace> gather_places(Communicator& ranks, const RankPlace& mine);

/// A line a host, in the order of their first ranks: "node7: ranks 0-3 on cpu, NUMA node 0, 4 threads each". A job too
/// large to be read whole is cut: its first 16 hosts, and one line for all others.
std::vector<std::string> describe_places(const std::vector<RankPlace>& places);

}  // namespace causalfm::comm
